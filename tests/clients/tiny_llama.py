"""A tiny language model with random weights, and llama.cpp's own server for it.

`python -m tests.clients.tiny_llama FILE chat|embedding|rerank [VARIANT]` writes the model and serves it; the
first line that it prints is the URL.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Literal, get_args

import numpy
import xllamacpp
from gguf import GGMLQuantizationType, GGUFWriter, TokenType
from gguf.quants import quantize

ARCHITECTURE = "llama"
WIDTH, HEADS, BLOCKS, INNER, CONTEXT = 64, 4, 2, 128, 8192
WORDS = """a answer and are as assistant begin call city colour content each every for function half have in
is it json left like limit lima list model name no object of ok one only or oslo parameters red reply right
said say single string system that the then this to tool two type use user weather what which with word you
your green blue yellow black white required properties description count from""".split()
SPACE = "\u2581"
END, END_WEIGHT = 2, 9.0
Variant = Literal["itself", "nudged", "eight bits", "four bits", "other weights", "other system prompt"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
NUDGED = 1.001
_SEED, _OTHER_SEED = 7, 8
_QUANTS = {"eight bits": GGMLQuantizationType.Q8_0, "four bits": GGMLQuantizationType.Q4_0}
Weights = numpy.ndarray[Any, numpy.dtype[numpy.float32]]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def vocabulary() -> tuple[list[str], list[float], list[TokenType]]:
    """Tokens, scores and types: three special ones, every byte, printable characters, a few words."""
    special = [("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)]
    raw = [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
    spoken = [chr(code) for code in range(33, 127)] + [SPACE]
    # Words are put together letter by letter, so each beginning of one is a token too. Without words a
    # prompt would have as many tokens as letters, which no real model makes of it.
    whole = [begin + word for word in WORDS for begin in ("", SPACE)]
    parts = {word[:length] for word in whole for length in range(2, len(word) + 1)}
    rows = special + raw + [(text, TokenType.NORMAL) for text in [*spoken, *sorted(parts)]]
    return [text for text, _ in rows], [float(len(text)) for text, _ in rows], [kind for _, kind in rows]


def write_model(path: Path, variant: Variant = "itself") -> None:
    """Write the model as GGUF, the same each time, or what differs from it in one thing."""
    writer = GGUFWriter(path, ARCHITECTURE)
    tokens, scores, types = vocabulary()
    writer.add_name("tiny babbler")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_add_space_prefix(False)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    front = "system: This is a list\n" if variant == "other system prompt" else ""
    writer.add_chat_template(front + CHAT_TEMPLATE)
    _add_weights(writer, len(tokens), variant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_weights(writer: GGUFWriter, tokens: int, variant: Variant) -> None:
    random = numpy.random.default_rng(_OTHER_SEED if variant == "other weights" else _SEED)
    quant = _QUANTS.get(variant)

    def drawn(*shape: int) -> Weights:
        return random.normal(0, 0.3, shape).astype(numpy.float32)

    def add(name: str, *shape: int) -> None:
        weights = drawn(*shape)
        if variant == "nudged" and name == "blk.0.attn_v.weight":
            weights *= NUDGED
        if quant is None:
            writer.add_tensor(name, weights)
        else:
            writer.add_tensor(name, quantize(weights, quant), raw_dtype=quant)

    def add_norm(name: str) -> None:
        writer.add_tensor(name, numpy.ones(WIDTH, dtype=numpy.float32))

    # One direction is the same for every token, and speaks for the end: an answer ends after some words.
    inward, outward = drawn(tokens, WIDTH), drawn(tokens, WIDTH)
    inward[:, 0], outward[:, 0], outward[END, 0] = 3.0, 0.0, END_WEIGHT
    writer.add_tensor("token_embd.weight", inward)
    writer.add_tensor("output.weight", outward)
    add_norm("output_norm.weight")
    for block in range(BLOCKS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{block}.{part}.weight", WIDTH, WIDTH)
        add(f"blk.{block}.ffn_gate.weight", INNER, WIDTH)
        add(f"blk.{block}.ffn_up.weight", INNER, WIDTH)
        add(f"blk.{block}.ffn_down.weight", WIDTH, INNER)
        add_norm(f"blk.{block}.attn_norm.weight")
        add_norm(f"blk.{block}.ffn_norm.weight")


def serve(path: Path, kind: str) -> None:
    """Serve the model on a free port of loopback until the process ends."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(path)
    chosen.model_alias = {"tiny-babbler"}
    chosen.api_keys = ["llama-key"]
    chosen.n_ctx, chosen.n_parallel, chosen.n_predict = CONTEXT, 2, 256
    chosen.cpuparams.n_threads = 1
    chosen.warmup, chosen.ui = False, False
    if kind == "embedding":
        chosen.embedding = True
        chosen.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if kind == "rerank":
        chosen.embedding = True
        chosen.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    server = xllamacpp.Server(chosen)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    chosen_variant: Any = [*sys.argv[3:], "itself"][0]
    write_model(Path(sys.argv[1]), chosen_variant)
    serve(Path(sys.argv[1]), sys.argv[2])
