// Everything here only makes the pages quicker; each of them works without it.
import "./copy.js";
import "./search.js";
import "./live.js";
import "./presets.js";
import "./offers.js";
import "./costs.js";
import "./ticks.js";
import "./try.js";
