// Everything here only makes the pages quicker; each of them works without it.
// What a single kind of page needs is loaded by that page: register.js by the form, model.js by a model's page.
import "./copy.js";
import "./search.js";
import "./live.js";
import "./bulk.js";
import "./find.js";
import "./drop.js";
import "./once.js";
