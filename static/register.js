// What the form of a model needs beside app.js.
import "./model_types.js";
import "./presets.js";
import "./endpoint_models.js";
import "./sample_cost.js";
import "./drafts.js";
