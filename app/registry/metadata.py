"""The metadata fields of a model: one row each, from which form, document and pages follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["boolean", "integer", "number", "string", "strings", "integers", "object"]

PROVIDER = "openailike"
CURRENCY = "USD"
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    """One metadata field: its wire name, JSON kind, unit ("" = none), section and words for people.

    `declared_by` names the request field (a column of the row) that declares it, where there is one.
    """

    name: str
    kind: Kind
    unit: str
    section: str
    label: str
    help: str
    declared_by: str | None = None


_TOKENS = "tokens"
_PRICE = "USD per 1,000,000 tokens"
_IMAGE_PRICE = "USD per image"

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("is_private", "boolean", "", "general", "Private", "Only this workspace sees the model."),
    Field("region", "string", "", "general", "Region", "Where the endpoint runs, as a free label.", "region"),
    Field("knowledge_cutoff", "string", "", "general", "Knowledge cut-off",
          "Its training data ends here."),
    Field("deprecation_date", "string", "", "general", "Deprecated on", "The vendor stops serving it then."),
    Field("multilingual", "boolean", "", "general", "Multilingual", "Works in more languages than English."),
    Field("offline", "boolean", "", "general", "Offline", "Runs without a connection to the internet."),
    Field("is_realtime", "boolean", "", "general", "Realtime", "Talks over a live session."),
    Field("intelligence_rating", "integer", "", "general", "Intelligence", "Rated by its catalog."),
    Field("speed_rating", "integer", "", "general", "Speed", "Rated by its catalog."),
    Field("cost_efficiency_rating", "integer", "", "general", "Cost efficiency", "Rated by its catalog."),
    Field("autorouter", "object", "", "general", "Auto router", "How requests are spread over models."),
    Field("allowed_passthrough_parameters", "strings", "", "general", "Parameters passed through",
          "Parameters that a gateway may hand on as they are."),
    Field("supports_openai_sdk", "boolean", "", "general", "OpenAI SDK",
          "The OpenAI clients can talk to it."),
    Field("supports_commercial_use", "boolean", "", "general", "Commercial use", "The licence allows it."),
    Field("supports_zdr", "boolean", "", "general", "Zero data retention", "The vendor keeps nothing."),
    Field("supports_fine_tuning", "boolean", "", "general", "Fine-tuning", "It can be trained further."),
    Field("supports_distillation", "boolean", "", "general", "Distillation", "Its answers may train others."),
    Field("supports_direct_cost", "boolean", "", "general", "Direct cost", "Answers carry their own cost."),
    Field("context_window", "integer", _TOKENS, "limits", "Context window", "Prompt and answer together."),
    Field("context_length", "integer", _TOKENS, "limits", "Context length",
          "The same, as some catalogs name it."),
    Field("max_input_tokens", "integer", _TOKENS, "limits", "Longest prompt", "The prompt alone."),
    Field("max_output_tokens", "integer", _TOKENS, "limits", "Longest answer",
          "The most tokens that one answer may have.", "max_tokens"),
    Field("max_temperature", "number", "", "limits", "Highest temperature", "Above it requests are refused."),
    Field("max_images_per_request", "integer", "images", "limits", "Images per request", "More are refused."),
    Field("embedding_dimensions", "integer", "numbers", "limits", "Embedding dimensions",
          "How long a vector of this model is."),
    Field("pricing", "object", "", "pricing", "Prices", "The prices below in one structure."),
    Field("million_tokens_input_cost", "number", _PRICE, "pricing", "Input",
          "What prompts cost.", "input_cost"),
    Field("million_tokens_output_cost", "number", _PRICE, "pricing", "Output",
          "What answers cost.", "output_cost"),
    Field("million_tokens_cache_read_cost", "number", _PRICE, "pricing", "Cache read",
          "What a prompt costs where it comes from the cache.", "cache_read_cost"),
    Field("million_tokens_cache_write_cost", "number", _PRICE, "pricing", "Cache write",
          "What keeping a prompt in the cache costs.", "cache_write_cost"),
    Field("million_tokens_cache_write_5m_cost", "number", _PRICE, "pricing", "Cache write, 5 minutes",
          "Kept for five minutes."),
    Field("million_tokens_cache_write_1h_cost", "number", _PRICE, "pricing", "Cache write, 1 hour",
          "Kept for an hour."),
    Field("cached_input_cost", "number", _PRICE, "pricing", "Cached input", "Input that was cached before."),
    Field("million_tokens_reasoning_cost", "number", _PRICE, "pricing", "Reasoning", "What thinking costs."),
    Field("reasoning_cost", "number", _PRICE, "pricing", "Reasoning, by catalog", "As the catalog gives it."),
    Field("million_tokens_batches_input_cost", "number", _PRICE, "pricing", "Batch input",
          "Input in batches."),
    Field("million_tokens_batches_output_cost", "number", _PRICE, "pricing", "Batch output",
          "Output in batches."),
    Field("million_tokens_audio_input_cost", "number", _PRICE, "pricing", "Audio input", "Spoken input."),
    Field("million_tokens_audio_output_cost", "number", _PRICE, "pricing", "Audio output", "Spoken output."),
    Field("million_tokens_above_128k_input_cost", "number", _PRICE, "pricing", "Input above 128k",
          "For prompts longer than 128,000 tokens."),
    Field("million_tokens_above_128k_output_cost", "number", _PRICE, "pricing", "Output above 128k",
          "For prompts longer than 128,000 tokens."),
    Field("million_tokens_above_128k_cache_read_cost", "number", _PRICE, "pricing", "Cache read above 128k",
          "For prompts longer than 128,000 tokens."),
    Field("million_tokens_above_128k_cache_write_cost", "number", _PRICE, "pricing", "Cache write above 128k",
          "For prompts longer than 128,000 tokens."),
    Field("million_tokens_above_200k_input_cost", "number", _PRICE, "pricing", "Input above 200k",
          "For prompts longer than 200,000 tokens."),
    Field("million_tokens_above_200k_output_cost", "number", _PRICE, "pricing", "Output above 200k",
          "For prompts longer than 200,000 tokens."),
    Field("million_tokens_above_200k_cache_read_cost", "number", _PRICE, "pricing", "Cache read above 200k",
          "For prompts longer than 200,000 tokens."),
    Field("million_tokens_above_200k_cache_write_cost", "number", _PRICE, "pricing", "Cache write above 200k",
          "For prompts longer than 200,000 tokens."),
    Field("extended_context_threshold", "integer", _TOKENS, "pricing", "Long prompt from",
          "Prompts longer than this cost more."),
    Field("extended_context_pricing_mode", "string", "", "pricing", "Long prompt pricing",
          "Whether the whole prompt or only its end costs more."),
    Field("cost_per_image", "number", _IMAGE_PRICE, "pricing", "Image",
          "What one image costs.", "cost_per_image"),
    Field("image_input_cost", "number", _IMAGE_PRICE, "pricing", "Image input", "An image in a prompt."),
    Field("image_output_cost", "number", _IMAGE_PRICE, "pricing", "Image output", "An image in an answer."),
    Field("image_token_cost", "number", _PRICE, "pricing", "Image tokens", "Images counted in tokens."),
    Field("cached_image_input_cost", "number", _IMAGE_PRICE, "pricing", "Cached image",
          "An image sent before."),
    Field("million_searches_cost", "number", "USD per 1,000,000 searches", "pricing", "Web searches",
          "What searching the web costs."),
    Field("per_video_second_cost", "number", "USD per second", "pricing", "Video", "A second of video."),
    Field("per_video_second_cost_1080p", "number", "USD per second", "pricing", "Video, 1080p",
          "A second of video at 1080p."),
    Field("supports_streaming", "boolean", "", "capabilities", "Streaming", "Answers come piece by piece."),
    Field("supports_system_message", "boolean", "", "capabilities", "System message", "It is obeyed."),
    Field("supports_developer_message", "boolean", "", "capabilities", "Developer message",
          "The newer name of the system message."),
    Field("supports_sampling_params", "boolean", "", "capabilities", "Sampling parameters",
          "Temperature and top-p are accepted."),
    Field("supports_max_completion_tokens", "boolean", "", "capabilities", "Completion token limit",
          "The newer name of the token limit is accepted and obeyed."),
    Field("supports_json_mode_response_format", "boolean", "", "capabilities", "JSON mode",
          "Answers can be one JSON object."),
    Field("supports_json_schema_response_format", "boolean", "", "capabilities", "JSON schema",
          "Answers keep to a given JSON schema."),
    Field("supports_structured_outputs", "boolean", "", "capabilities", "Structured outputs",
          "Answers follow a schema strictly."),
    Field("supports_responses_api", "boolean", "", "capabilities", "Responses API",
          "The Responses API works."),
    Field("supports_batch_api", "boolean", "", "capabilities", "Batch API", "Batch requests are accepted."),
    Field("supports_service_tier", "boolean", "", "capabilities", "Service tier", "A tier can be chosen."),
    Field("supports_prompt_caching", "boolean", "", "capabilities", "Prompt caching",
          "Repeated beginnings of prompts are cached."),
    Field("supports_cache_control", "boolean", "", "capabilities", "Cache control",
          "The caller says what is cached."),
    Field("supports_citations", "boolean", "", "capabilities", "Citations", "Answers name their sources."),
    Field("supports_tool_calling", "boolean", "", "tools", "Tool calling",
          "The model calls functions with valid arguments.", "supports_tool_calling"),
    Field("supports_tool_choice", "boolean", "", "tools", "Tool choice", "A forced call is made."),
    Field("supports_parallel_tool_calls", "boolean", "", "tools", "Parallel calls",
          "Several calls in one answer."),
    Field("supports_strict_tool", "boolean", "", "tools", "Strict tools",
          "In strict mode the arguments follow the schema.", "supports_strict_tool"),
    Field("supports_web_search", "boolean", "", "tools", "Web search", "Has a search tool of its own."),
    Field("supports_url_context", "boolean", "", "tools", "URL context", "Reads pages that a prompt names."),
    Field("supports_code_execution", "boolean", "", "tools", "Code execution", "Runs code of its own."),
    Field("supports_computer_use", "boolean", "", "tools", "Computer use", "Drives a screen."),
    Field("supports_reasoning", "boolean", "", "reasoning", "Reasoning",
          "Thinks before it answers.", "has_reasoning"),
    Field("chain_of_thought", "boolean", "", "reasoning", "Chain of thought", "Shows its thinking."),
    Field("thinking_enforced", "boolean", "", "reasoning", "Always thinks", "Thinking can't be turned off."),
    Field("supports_adaptive_reasoning", "boolean", "", "reasoning", "Adaptive reasoning",
          "Decides itself how long to think."),
    Field("supports_extended_thinking", "boolean", "", "reasoning", "Extended thinking",
          "Takes a budget for thinking."),
    Field("reasoning_tokens", "integer", _TOKENS, "reasoning", "Reasoning tokens", "The most for thinking."),
    Field("supports_reasoning_effort_default", "boolean", "", "reasoning", "Effort: default",
          "The reasoning effort may be left out."),
    Field("supports_reasoning_effort_none", "boolean", "", "reasoning", "Effort: none",
          "Accepted."),
    Field("supports_reasoning_effort_minimal", "boolean", "", "reasoning", "Effort: minimal",
          "Accepted."),
    Field("supports_reasoning_effort_low", "boolean", "", "reasoning", "Effort: low", "Accepted."),
    Field("supports_reasoning_effort_medium", "boolean", "", "reasoning", "Effort: medium",
          "Accepted."),
    Field("supports_reasoning_effort_high", "boolean", "", "reasoning", "Effort: high",
          "Accepted."),
    Field("supports_reasoning_effort_xhigh", "boolean", "", "reasoning", "Effort: xhigh",
          "Accepted."),
    Field("supports_reasoning_effort_max", "boolean", "", "reasoning", "Effort: max", "Accepted."),
    Field("supports_text", "boolean", "", "media", "Text", "Works with text."),
    Field("supports_text_input", "boolean", "", "media", "Text in", "Takes text."),
    Field("supports_text_output", "boolean", "", "media", "Text out", "Gives text."),
    Field("supports_vision", "boolean", "", "media", "Vision", "Sees images in a prompt.", "supports_vision"),
    Field("supports_images", "boolean", "", "media", "Images", "Works with images."),
    Field("supports_image_input", "boolean", "", "media", "Image in", "Takes images."),
    Field("supports_image_output", "boolean", "", "media", "Image out", "Gives images."),
    Field("supports_image_edit", "boolean", "", "media", "Image editing",
          "Changes an image that it is given.", "supports_image_edit"),
    Field("supports_b64_json_response_format", "boolean", "", "media", "Image as base64",
          "Images can come as base64."),
    Field("supports_url_response_format", "boolean", "", "media", "Image as URL",
          "Images can come as a URL."),
    Field("supports_pdf_input", "boolean", "", "media", "PDF in", "Takes PDF files."),
    Field("supports_audio_input", "boolean", "", "media", "Audio in", "Takes sound."),
    Field("supports_audio_output", "boolean", "", "media", "Audio out", "Gives sound."),
    Field("generate_audio", "boolean", "", "media", "Audio with video", "Video comes with sound."),
    Field("supports_video_input", "boolean", "", "media", "Video in", "Takes video."),
    Field("supports_video_output", "boolean", "", "media", "Video out", "Gives video."),
    Field("supports_video_seed", "boolean", "", "media", "Video seed", "The same seed gives the same video."),
    Field("supported_video_aspect_ratios", "strings", "", "media", "Video shapes", "Aspect ratios."),
    Field("supported_video_durations", "integers", "seconds", "media", "Video lengths", "Lengths on offer."),
    Field("supported_video_frame_images", "strings", "", "media", "Video frames",
          "Which frames may be given as images."),
    Field("supported_video_resolutions", "strings", "", "media", "Video resolutions",
          "Resolutions on offer."),
    Field("supported_video_sizes", "strings", "", "media", "Video sizes", "Sizes on offer, in pixels."),
)
# fmt: on

FIELD_BY_NAME: Mapping[str, Field] = {row.name: row for row in FIELDS}

SECTIONS: Mapping[str, str] = {
    "general": "General",
    "limits": "Limits",
    "pricing": "Pricing",
    "capabilities": "Requests and answers",
    "tools": "Tools",
    "reasoning": "Reasoning",
    "media": "What goes in and comes out",
}
