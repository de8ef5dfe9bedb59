// What the page of a model needs beside app.js.
import "./playground.js";
import "./lazy.js";
