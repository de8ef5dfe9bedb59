// Everything here only makes the pages quicker; each of them works without it.
import "./copy.js";
import "./search.js";
import "./live.js";
import "./model_types.js";
import "./presets.js";
import "./endpoint_models.js";
import "./sample_cost.js";
import "./bulk.js";
import "./playground.js";
import "./lazy.js";
import "./drafts.js";
