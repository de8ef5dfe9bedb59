"""What endpoints' words mean: a table of wordings met in the field, the most specific first.

Each rule is a family of servers' sentences, never one vendor by its host. The order matters where one
sentence says two things ("does not exist or you do not have access to it"): the rule that reads it rightly
stands first. A row of a rule is one wording; the comment above the rule says what holds the family together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from app.probe.reading.refusal import Refusal

Meaning = Literal[
    "invalid_credentials",
    "permission_denied",
    "quota_exhausted",
    "rate_limited",
    "model_not_found",
    "wrong_model_type",
    "model_unavailable",
    "no_route",
    "not_openai_compatible",
    "bot_filter",
    "filtered",
    "tls_wanted",
    "shape",
    "endpoint_error",
]


Advice = Literal[
    # permission_denied of the base URL and of the key
    "host_name",
    "place",
    "referrer",
    "address",
    "client_certificate",
    "enable_api",
    "account_shut",
    "organization",
    "verify",
    "set_up_account",
    "permission",
    # permission_denied of the model
    "account_settings",
    "terms",
    "verify_for_model",
    "other_models",
    "project",
    "other_region",
    "plan_for_model",
    # quota_exhausted
    "pay",
    "budget",
    "free_tier",
    "period",
    "plan",
    "nought",
    # invalid_credentials
    "header",
    "gateway_issued",
    "region_of_key",
    "new_key",
    "other_credential",
    "short_lived",
    # model_unavailable
    "gateway_key",
    "memory",
    "server_log",
    "full",
    "not_ready",
    "deployments",
    "start_model",
    "tunnel",
    "provider",
    "behind_proxy",
    # model_not_found
    "retired",
    "or_access",
    "deployment",
    "or_deploy",
    "profile",
    # wrong_model_type
    "responses_only",
    "chat_template",
    "use_completion",
    "use_chat",
    "start_flags",
    # shape and endpoint_error
    "short_context",
    "generation",
    "servers_own",
    "install",
    # another protocol
    "other_protocol",
]
"""What to do next, where the words tell more than their meaning does; the sentences stand in diagnosis."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that mean something. `but_not` names words that make them mean something else."""

    meaning: Meaning
    words: re.Pattern[str]
    field: str | None = None
    advice: Advice | None = None
    """What to do about it; None where the meaning alone tells."""
    lasts: bool = False
    """What these words tell stays as it is: the same call is not worth a wait."""
    but_not: re.Pattern[str] | None = None
    statuses: frozenset[int | None] = frozenset()
    """Where it is not empty, only answers with one of these count."""
    on_pages: bool = False
    """Holds for pages too; the other rules read API errors only, since a page's prose may say anything."""

    def fits(self, refusal: Refusal) -> bool:
        """Whether the words (and, where the rule asks for one, the status) are these."""
        if self.statuses and refusal.status not in self.statuses:
            return False
        return bool(self.words.search(refusal.all)) and not (
            self.but_not and self.but_not.search(refusal.all)
        )


def any_of(*wordings: str) -> re.Pattern[str]:
    """One pattern of several wordings, in any letter case."""
    return re.compile("|".join(wordings), re.I)


def lowered(*wordings: str) -> re.Pattern[str]:
    """The same for what is in lower case, as `Refusal.all` is: that takes half the time."""
    return re.compile("|".join(wordings))


_NOT = r"(not|n[o'’]t)"
_MAY_NOT = rf"{_NOT} (allowed|permitted|authori[sz]ed) to"
_KEY = r"(api[ _-]?key|access[ _-]?key|subscription key|x-api-key|secret( key)?|token|bearer|credentials?)"
_KIND = (
    r"(chat|text|generative|language|completions?|embeddings?|images?|audio|speech|tts|transcriptions?|"
    r"re-?rank(er|ing)?|classifier|scor(e|ing)|pooling|moderations?|realtime|responses)"
)
_KEY_IS = rf"{_KEY}\b.{{0,60}}?\b"
_WRONG = r"\b(invalid|incorrect|wrong|bad|unknown|malformed|illegal|unrecogni[sz]ed|not a valid)"
_NO_OR_MISSING = r"(no(?![a-z])|missing)"
_ABSENT = rf"\b(expired|revoked|disabled|inactive|{_NO_OR_MISSING}|empty)"
_WELL = r"(available|healthy|live|free|ready|active|prefill|decode)"
_THE_MODEL = r"\bmodels?\b.{0,160}?\b"
_FILTERABLE = r"(input|prompt|message|content|conversation|output|text)"
"""What a filter judges. A refusal of anything else must not count as a filter's, which lets a model in."""
_LONG_WINDOW = r"(day|week|month)"
_SHORT_WINDOW = r"(sec(ond)?|min(ute)?|hour)"

_KEY_FAULTS = (
    rf"{_WRONG}[ _-]{{0,2}}(\w{{1,20}}[ _-]){{0,3}}?{_KEY}",
    rf"{_ABSENT}[ _-]{{0,2}}(\w{{1,20}}[ _-]){{0,3}}?{_KEY}\b(?!s? (limit|count|usage))",
    rf"({_WRONG}|{_ABSENT})[ _-]{{0,2}}(\w{{1,20}}[ _-]){{0,2}}?(authenticat|authori[sz]at|auth\b)",
    rf"{_KEY_IS}(not valid|invalid|expired|revoked|incorrect|wrong|malformed|rejected|no longer)",
    rf"{_KEY_IS}(not found|missing|is required|required|must be (set|provided))",
    rf"{_KEY_IS}(not (sent|provided|recogni[sz]ed|exist|active)|disabled|deleted|does ?n[o']t exist)",
    r"authori[sz]ation( header)?\b.{0,60}?\b(invalid|expired|missing|required|requires|malformed|failed)",
    r"authori[sz]ation header\b.{0,20}\b(badly|wrongly|not) formatted",
)
"""A key and what is wrong with it; stronger than the "access denied" that it may follow."""

_ROUTE_STATUSES: frozenset[int | None] = frozenset({200, 301, 400, 403, 404, 405, 410, 424, 501})
"""Statuses with which a missing route was seen; a 5xx that says "not found" speaks of something behind."""

_NOT_PLAINLY: frozenset[int | None] = frozenset(
    {None, 403, 404, 405, 406, 409, 412, 424, 429, 501, *range(500, 600)}
)
"""Statuses that hide a complaint about the request; 400 and 422 say it themselves, and words of a field are
then read by `negotiation`."""

_OF_A_FIELD = lowered(
    r"json_schema|response_format|stream_options|reasoning_effort|\btools?\b|tool_",
    r"system (role|message)|image_url|multimodal|image input|vision|\bmax_\w{0,20}tokens",
    r"\b(file|audio|image|media) (format|type)\b",
    r"\b(accept|take|process)(es|s)? (images?|videos?|files?)\b",
)
"""What a refusal speaks of that is no matter of the model's type."""

RULES: tuple[Rule, ...] = (
    # A limit of nought never refills, whatever a hint to wait says.
    Rule(
        "quota_exhausted",
        lowered(
            r"\blimit\W{1,3}0(?![.,]?\d|%|\s?/)(?! (or|to|of|remaining|left)\b)",
            r"\bquota_limit_value\b\W{1,4}0\b|rate limit of 0\b",
        ),
        field="api_key",
        advice="nought",
        lasts=True,
        statuses=frozenset({402, 403, 429}),
    ),
    # What the model wrote could not be read by its own server: no refusal of the request.
    Rule(
        "endpoint_error",
        lowered(
            r"failed_generation|tool_use_failed|json_validate_failed|malformed_function_call",
            r"unexpected_tool_call|output_parse_failed|failed to (call a function|generate (json|a? ?valid))",
            r"(failed|unable|could not|error) (to )?(pars|decod)(e|ing)\b.{0,60}"
            r"\b(tool|function|output|generated)",
            r"failed to parse input at pos|model('s)? output (is )?not|model did not (return|output)",
            r"model (has )?(produced|generated|returned|output)\b.{0,40}\b(invalid|malformed|unparsable)",
            r"generated json does not|tool call validation failed",
        ),
        field="base_url",
        advice="generation",
    ),
    # A program or a library that the server needs.
    Rule(
        "endpoint_error",
        lowered(
            r"\b(ffmpeg|ffprobe|sox|espeak(-ng)?|tesseract|nvcc)\b.{0,20}\b(not (be )?"
            r"(found|installed)|missing)",
            r"no such file or directory: ?['\"](ffmpeg|ffprobe|sox|espeak(-ng)?|tesseract|nvcc)['\"]",
            r"no module named ['\"]?\w|\bpip3? install \w",
        ),
        field="base_url",
        advice="install",
    ),
    # Errors of the machine, the language and the tokenizer: the server's own, whatever they are called.
    Rule(
        "endpoint_error",
        lowered(
            r"\berrno \d{1,4}\b|\bwinerror\b|permission denied: ?['\"/]|no such file or directory",
            r"error opening (input|output)|\b[a-z]:\\{1,2}(users|windows|program|temp)",
            r"no space left on device|disk quota|too many open files|read-only file system",
            r"name '\w{1,40}' is not defined|object has no attribute|object is not (subscript|call|iter)able",
            r"traceback \(most recent call|segmentation fault|nil pointer dereference|assertionerror",
            r"(no|not have an?|without an?|missing) (pad(ding)?|bos|eos|unk) token|invalid token ids?\b",
            r"expecting ('.{1,3}'|value|property name|,).{0,20}: line \d|unterminated string starting at",
            r"(error|failed) (while )?(rendering|parsing) .{0,20}(jinja|template)|database query error",
            r"database (is )?(locked|unavailable|connection)",
            r"(reach|connect to) (the )?database",
        ),
        field="base_url",
        advice="servers_own",
        but_not=lowered(
            r"connection|connect call|timed? ?out|unreachable|resol(ve|ution)|name or service|memory",
            r"failed to (import|load)|could ?n[o']t (be )?load|invalid_api_key",
        ),
    ),
    # Another protocol than a plain call is wanted here.
    Rule(
        "no_route",
        lowered(
            r"expected (a )?web ?socket|web ?socket (client|upgrade|connection|handshake)\b",
            r"(missing|invalid|no) [`'\"]?(sec-websocket|upgrade)\b|\bupgrade to web ?socket",
        ),
        field="base_url",
        statuses=frozenset({400, 405, 426}),
    ),
    Rule(
        "shape",
        lowered(r"(client|app|cli|plugin|extension|sdk)\b.{0,40}\b(version|outdated|too old|upgrade|update)"),
        field="base_url",
        advice="other_protocol",
        statuses=frozenset({426}),
    ),
    # What a tool of the request's own ran into.
    Rule("shape", lowered(r"external_connector_error|\bmcp server\b"), field="base_url"),
    # A prompt that was judged, said together with what it did not cost.
    Rule(
        "filtered",
        lowered(
            r"\b(input|prompt|content|output) (was|is|has been) flagged\b|\bprompt pattern is blocked\b",
            r"\bprompt (does ?n[o'’]t|did ?n[o'’]t) match any allowed pattern|\bsafety_check_type_",
            rf"\b{_FILTERABLE} violates? ((our|the) )?(usage|content|safety) (polic|guideline)",
            rf"\b{_FILTERABLE} (was|is|has been) (rejected|blocked)\b.{{0,60}}\b(pii|personal|safety|unsafe|"
            r"harm|sensitive|jailbreak|injection|moderat|polic(y|ies)|guard)",
        ),
        field="base_url",
    ),
    # A gateway that denies a call and repeats what a check found in its text; one that failed says nothing.
    Rule(
        "filtered",
        lowered(
            r"hook_results.{0,60}\b(pattern|words?|keywords?|sentences?|characters?|code|urls?|pii|language)\b"
            r".{0,60}\b(match|found|contain|detect|present|outside)",
        ),
        field="base_url",
        statuses=frozenset({446}),
    ),
    # A length is the request's own affair, whatever else the sentence mentions.
    Rule(
        "shape",
        lowered(
            r"(exceed\w{0,3}|longer than|larger than|beyond|less than) .{0,40}(context (window|length)|"
            r"maximum (input|prompt|output|context|number of tokens))",
            r"\b(input|prompt)\b.{0,40}\btoo (long|large)\b|context_window_exceeded",
            r"context shift is disabled",
            r"reduce the length|context.?length",
        ),
        field="base_url",
        advice="short_context",
        but_not=lowered(r"per.?min|per.?day|rate.?limit|quota|\b[rt]p[md]\b"),
    ),
    Rule(
        "shape",
        lowered(
            r"input validation error",
            r"request too large for model",
        ),
        field="base_url",
        advice="short_context",
    ),
    # A gateway's own word about the key that it was sent, though it goes on about providers.
    Rule(
        "permission_denied",
        lowered(r"\bkey is not (allowed|authori[sz]ed|permitted) to\b", r"\bkey is not scoped to\b"),
        field="api_key",
        advice="permission",
    ),
    # A gateway whose own key the upstream refused: the caller's key is right, the model cannot be served.
    Rule(
        "model_unavailable",
        lowered(
            r"litellm\.(authenticationerror|permissiondeniederror)",
            r"exception - .{0,80}(api key|authenticat|unauthori[sz]ed)",
            r"\b(upstream|provider|backend)('s)?\b.{0,80}?\b40[13]\b",
            r"\b(upstream|provider|backend)('s)?\b.{0,80}?(unauthori[sz]ed|authenticat|credential)",
            r"\b(upstream|provider|backend)('s)?\b.{0,80}?(invalid.{0,12}key|incorrect api key)",
            r"bad[ _]response[ _]status[ _]code",
            r"\bno (api )?(key|credentials?) (was |were |is |are )?(found|configured|set|stored|available)? ?"
            r"(for|of) (the )?((llm|ai|model|upstream) )?provider\b",
            r"(token|api[ _-]?key|authenticat\w*|unauthori[sz]ed|credentials?|forbidden|access denied)\b"
            r".{0,300}\breceived model group=",
            r"exception( \w{1,30})? - .{0,300}\b(permission\b.{0,200}\bdenied|permission_denied)\b",
            r"exception - .{0,200}(\barn:|\biam (user|role)|service role|assumed-role|marketplace)",
        ),
        field="model_id",
        advice="gateway_key",
        lasts=True,
        but_not=lowered(r"invalid proxy server token", r"virtual key"),
    ),
    # Filters that look at the program, not at the key.
    Rule(
        "bot_filter",
        lowered(
            r"error code: ?1(00[5-9]|01[0-2]|020|106)\b",
            r"attention required!? \| cloudflare",
            r"just a moment",
            r"checking your browser",
            r"cf-browser-verification",
            r"captcha",
            r"please enable (javascript|cookies)",
            r"ddos.guard",
            r"incapsula",
            r"pardon our interruption",
            r"\bbot (was )?(detected|protection|filter)",
            r"access denied.{0,200}reference #\w",
            r"you have been blocked",
            r"perimeterx|datadome|imperva|cf-mitigated|x-amzn-waf-action",
        ),
        field="base_url",
        on_pages=True,
    ),
    Rule(
        "tls_wanted",
        lowered(
            r"plain http request was sent to https port",
            r"client sent an http request to an https server",
            r"speaking plain http to an ssl-enabled server",
            r"this combination of host and port requires tls",
        ),
        field="base_url",
        on_pages=True,
    ),
    # Who wants a certificate of the caller's, of nginx as a page.
    Rule(
        "permission_denied",
        lowered(
            r"no required ssl certificate was sent|certificate_required",
            r"(client|ssl|tls|mtls) certificate (is |was )?(required|missing|not (sent|provided|presented))",
            r"\b(requires?|missing|provide|present) (an? |the |your )?(valid )?(client|mtls) certificate",
            r"\bthe ssl certificate error\b",
        ),
        field="api_key",
        advice="client_certificate",
        on_pages=True,
        but_not=lowered(r"certificate.?verif|self.?signed"),
    ),
    # The wall of a cloud in front of a private service, as a page.
    Rule(
        "permission_denied",
        lowered(r"your client does not have permission to get url"),
        field="api_key",
        on_pages=True,
    ),
    # A tunnel or an edge that finds nobody behind it.
    Rule(
        "model_unavailable",
        lowered(
            r"error code: ?1033\b",
            r"err_ngrok_3200|the endpoint \S{1,100} is offline",
            r"tunnel (\S{1,100} )?(is offline|not found|unavailable)",
        ),
        field="model_id",
        advice="tunnel",
        on_pages=True,
    ),
    Rule(
        "model_unavailable",
        lowered(r"error code: ?1(00[0-4]|01[3467]|101)\b"),
        field="model_id",
        advice="behind_proxy",
        on_pages=True,
    ),
    # "Not there, or not for you" in one breath: a wrong id is the likelier, and the one that can be checked.
    Rule(
        "model_not_found",
        lowered(
            rf"not (exist|found)\W{{1,3}}or (perhaps )?you do ?{_NOT} have (access|permission)",
            rf"not (exist|found)\W{{1,3}}or your \w{{1,20}}( [\w-]{{1,40}})? does ?{_NOT} have access",
            r"not found the model .{0,120}or permission denied",
            r"have access to (this|the) model,? or (the )?(model|it)( name)? (is invalid|is not|does not|"
            r"doesn't)",
        ),
        field="model_id",
        advice="or_access",
    ),
    # A region that lacks this very model: another model may be there.
    Rule(
        "permission_denied",
        lowered(
            rf"{_THE_MODEL}({_NOT} |un)(available|supported) in ((your|this|the) )?"
            r"(country|region|location)\b",
            rf"{_THE_MODEL}{_NOT} (allowed|permitted) to run in your (country|region|location)",
        ),
        field="model_id",
        advice="other_region",
    ),
    # A server that answers to other names than the one in the base URL.
    Rule(
        "permission_denied",
        lowered(r"invalid host header|\bhost\b.{0,80}\bis not allowed\b|disallowed ?host"),
        field="base_url",
        advice="host_name",
    ),
    # Region, address list, network: a right key in the wrong place.
    Rule(
        "permission_denied",
        lowered(
            r"unsupported_country|country,? region,? or territory",
            r"(location|region|country) (is )?not (supported|allowed)",
            rf"({_NOT}|un) ?available in your (country|region|location)",
            r"your (country|region|location) .{0,30}(not (supported|allowed)|\bblocked\b)",
            r"geo.?(block|restrict)|\b(un|not )supported (countr|region|location|territor)",
        ),
        field="api_key",
        advice="place",
    ),
    Rule(
        "permission_denied",
        lowered(r"requests from referr?er .{0,80}blocked"),
        field="api_key",
        advice="referrer",
    ),
    Rule(
        "permission_denied",
        lowered(
            r"\bip\b.{0,40}not (allowed|authori[sz]ed|whitelisted|in (the )?(allow|white))",
            r"\bip\b.{0,40}(denied|blocked|forbidden|不在)",
            r"ip_not_authorized",
            r"\b(ip|address|network|cidr|host|origin|domain|caller|client)\b.{0,60}(allow|white)(ed)?[ _-]?"
            r"(models?[ _-]?)?list",
            r"(allow|white)[ _-]?list.{0,60}\b(ip|address|network|cidr|host|origin|domain)",
            r"not (on|in) (the |our |an? )?(allow|white)[ _-]?list",
            r"check your network settings|\bip address restriction|ip_address_blocked",
            r"traffic .{0,40}(virtual network|firewall|denied)",
            r"virtual network/firewall",
            r"public access is disabled|private endpoint",
            r"\brestricted to (internal|private|corporate) networks?\b",
        ),
        field="api_key",
        advice="address",
        but_not=lowered(
            r"\bmodels?\b.{0,80}(allow|white)(ed)?[ _-]?(models?[ _-]?)?list",
            r"(allow|white)[ _-]?list.{0,40}\bmodel",
        ),
    ),
    # A right key that may not use this very model: for what the account's own settings say,
    Rule(
        "permission_denied",
        lowered(r"matching your .{0,60}(data policy|guardrail)", r"\bno allowed providers?\b"),
        field="model_id",
        advice="account_settings",
    ),
    # for terms that nobody has accepted yet,
    Rule(
        "permission_denied",
        lowered(
            r"gated (repo|model)|model is gated|model_gated",
            r"use.case (details have not been submitted|form)|required .{0,20}form for this model",
            r"requires? terms acceptance|model_terms_required",
            r"accept (the )?(license|terms|agreement)",
        ),
        field="model_id",
        advice="terms",
        but_not=lowered(r"\bif you are trying to access a private or gated\b"),
    ),
    Rule(
        "permission_denied",
        lowered(
            r"must be verified to use the model", r"model requires an? verified (account|organi[sz]ation)"
        ),
        field="model_id",
        advice="verify_for_model",
    ),
    # for a key that holds for others,
    Rule(
        "permission_denied",
        lowered(r"can only access models?", r"(key|team|user|org)_model_access_denied"),
        field="model_id",
        advice="other_models",
    ),
    Rule(
        "permission_denied",
        lowered(rf"^project\b.{{0,80}}{_NOT} have access to (the |this )?model", r"model_permission_blocked"),
        field="model_id",
        advice="project",
    ),
    # for the plan,
    Rule(
        "permission_denied",
        lowered(
            r"model requires an? ([\w-]{1,20} )?(subscription|plan)\b",
            r"plan (do(es)? )?not (yet )?(support|include|cover).{0,20}(model|access)",
            r"not (available|included|supported|offered) (on|in|for|with|by) (the |your |this )?"
            r"([\w-]{1,20} ){0,2}(tier|plan|subscription)\b",
            r"plan_\w{0,30}model_not_supported|model_not_supported_on_\w{1,20}",
            r"(套餐|订阅|计划).{0,12}(未开放|未包含|不包含|不支持)",
        ),
        field="model_id",
        advice="plan_for_model",
    ),
    # or for no reason that is told.
    Rule(
        "permission_denied",
        lowered(
            rf"{_NOT} have access to (the |this )?(model|deployment|foundation|project|requested)",
            rf"{_NOT} have access to `?[\w./:@-]{{1,100}}`?\W*$",
            r"no access to (the |this )?model",
            rf"{_MAY_NOT} (access|use|call|invoke|sample from|query) (the |this )?model",
            r"model.{0,80}(access (is )?denied|permission denied|is blocked|restricted|not allowed)",
            r"\bmodel\b.{0,60}\b(as legacy|disabled by (the|your|an?))\b",
            r"access to (the |this )?model .{0,60}(denied|restricted|forbidden)",
            r"access to model denied|eligible for using the model",
            r"\bmodels?\b.{0,80}\bnot (on|in|allowed by)\b.{0,60}(allow|white)(ed)?[ _-]?"
            r"(models?[ _-]?)?list",
            r"model .{0,80}not (enabled|activated) (for|in|on) (your|this) \w+",
            rf"(has|have|is) ?{_NOT} activated the model|modelnotopen",
            r"无权(使用|访问|调用)(该|此)?模型",
        ),
        field="model_id",
        but_not=lowered(r"\bmodel (parameter|field|setting)s?\b"),
    ),
    # A limit by the minute, said plainly: waiting helps, whatever money it recommends.
    Rule(
        "rate_limited",
        lowered(
            rf"(requests?|tokens?|queries|calls?|images?)( allowed)? ?(per|an?|/) ?{_SHORT_WINDOW}\b",
            r"per.?(minute|second)",
            rf"models?-per-{_SHORT_WINDOW}",
            r"\b\d+k? ?[rt]p[ms]\b",
            r"\b[rt]p[ms]\b.{0,30}(limit|exceed|reached)",
            r"max [rt]p[ms]\b",
            r"error code: ?1015\b",
            r"rate.?limited upstream|request rate (increased|exceed\w*|is too)",
        ),
        field="api_key",
        but_not=lowered(rf"per.?{_LONG_WINDOW}|/ ?{_LONG_WINDOW}|\b[rt]pd\b|daily|weekly|monthly"),
    ),
    # An account that was shut for want of money, whatever limit it names.
    Rule(
        "quota_exhausted",
        lowered(
            r"suspended.{0,60}(balance|spending|payment|invoice|arrears|billing|unpaid)",
            r"(unpaid|past.?due|outstanding|failure to pay).{0,24}(invoices?|bills?|balance|payments?)",
        ),
        field="api_key",
        advice="pay",
        lasts=True,
    ),
    # Money and plans, and limits by the day or longer.
    Rule(
        "quota_exhausted",
        lowered(
            r"budget.{0,20}(exceeded|has been|exhausted|used up|spent)|insufficient_budget",
            r"exceeded.{0,4}budget|over budget|max budget",
        ),
        field="api_key",
        advice="budget",
        lasts=True,
    ),
    Rule(
        "quota_exhausted",
        lowered(r"allocationquota.{0,4}free.?tier.?only"),
        field="api_key",
        advice="free_tier",
        lasts=True,
    ),
    Rule(
        "quota_exhausted",
        lowered(
            rf"(limit|quota|requests|tokens|calls|free.?models).{{0,24}}(per|an?|/)[ -]?{_LONG_WINDOW}",
            rf"quota.{{0,200}}per.?{_LONG_WINDOW}",
            r"\b[rt]pd\b|quota will (reset|refill)|quota.{0,80}for the (day|week|month)",
            r"usage limit reached for \d+ ?(h(our)?|d(ay)?|week|month)s?\b",
            r"\b(?<!worker )(?<!local )total request limit reached(?!.{0,40}minute)",
            r"\btoday'?s (\w{1,20} ){0,2}(quota|limit|allowance)|\btry again tomorrow\b",
            r"(今日|每日|当日|每周|每月|本月).{0,16}(限额|上限|额度|次数)",
            r"(daily|weekly|monthly).{0,20}(limit|cap\b|quota|free allocation)",
        ),
        field="api_key",
        advice="period",
        lasts=True,
    ),
    Rule(
        "quota_exhausted",
        lowered(
            r"insufficient.{0,12}(balance|credits?|funds)|balance_exhausted|extra usage\b",
            r"credits? (is |are |have been )?(exhausted|depleted)|billing_not_active|check your billing",
            r"not[ _]enough[ _](balance|credits?|funds)",
            r"quota.{0,80}\b(billing|balance|credits?)",
            r"(balance|credit limit).{0,30}\b(too low|exhausted|insufficient|negative|empty|depleted)",
            r"\b(credit) (limit|cap).{0,40}(reached|exceeded|hit)",
            r"payment.?required|(enter|add) a (payment method|(credit )?card)",
            r"credit card (on file|is required)",
            r"\b(no|not enough|out of|requires? more|used (up )?all)\b.{0,12}credits?\b",
            r"(used up|exhausted|exceeded).{0,32}\bcredits?\b",
            rf"{_NOT} have any credits|credits (have |has )?expired|\b(run|ran) out of (funds|money)\b",
            r"\brequires? available credits?|balance_depleted|spend_cap_exceeded|:spending-limit\b",
            r"billing.{0,24}(hard limit|not active|inactive|disabled|issue|enabled)|billing_disabled",
            r"arrear|overdue|in good standing|outstanding (balance|payment)",
            r"top.?up|recharge",
            r"余额不足|欠费|充值",
        ),
        field="api_key",
        advice="pay",
        lasts=True,
    ),
    Rule(
        "quota_exhausted",
        lowered(
            r"free (trial|tier|quota|credits?|allocation).{0,40}\b(ended|expired|exhausted|used up|over)\b",
            r"trial (period )?(has )?(ended|expired)|(套餐|订阅|计划).{0,4}(到期|过期)",
            r"subscription (has |is )?(expired|ended|past due)|(no active|inactive) (subscription|plan)",
            r"plan does not include|exceed\w{0,3} (your|the) (free|trial|current|basic) (plan|tier)",
        ),
        field="api_key",
        advice="plan",
        lasts=True,
    ),
    # A quota that does not say of what: a near end that is stated makes it a rate, see `meaning`.
    Rule(
        "quota_exhausted",
        lowered(
            r"insufficient.{0,12}quota|exceeds (your )?(available |remaining )?(quota|balance)",
            r"quota.?limit.?(expired|exceeded|reached)|usage_limits?\w{0,20}(exhaust|exceed)",
            r"reached (your|the) (\w{1,20} ){0,2}(usage|billing) (limit|cap)",
            r"exceeded (your |the )?current quota|exceeded_current_quota",
            r"quota.{0,40}(exhausted|exceeded|used up|depleted|reached)",
            r"\b(no|without) (\w{1,20} ){0,2}(quota|tokens?|credits?|budget) (is |was )?(left|remaining)\b",
            r"\bquota (is |was |has been )?(used|spent)\b|out of (\w{1,20} ){0,3}quota",
            r"\b(key|spend(ing)?|usage|inference) (limit|cap).{0,40}(reached|exceeded|hit)",
            r"(reached|exceeded|hit) .{0,30}(spending|inference) .{0,12}(limit|cap)",
            r"allocationquota",
            r"额度不足|额度已用|用尽|无可用额度",
        ),
        field="api_key",
    ),
    # Tokens of a sign-in, which live for an hour or so.
    Rule(
        "invalid_credentials",
        lowered(
            r"\baccess_token_expired\b|\b(oauth2?|access|id|session|bearer|security|jwt) ?token\b.{0,40}"
            r"\b(has |is |was )?(already )?expired\b",
            r"\bexpired[ _]?(oauth2?|access|id|session|security|jwt)?[ _]?token(exception)?\b",
            r"\b(jwt|id_token|access_token) (is |has )?expired|lifetime validation failed",
            r"\btoken (is |has |was )?expired\b.{0,40}\b(at|since|by \d\w*|exp|seconds|ago|utc)\b",
            r"signature has expired|\bexp\W{1,3} claim",
        ),
        field="api_key",
        advice="short_lived",
    ),
    # Keys that an endpoint gave up, and calls without one, in the words of a missing permission.
    Rule(
        "invalid_credentials",
        lowered(
            r"key was reported as leaked|\bkey (has |is |was )?expired\b|\bexpired[ _]key\b",
            r"\bkey (is |has been |was )(currently )?(blocked|disabled|revoked|suspended)\b",
            r"token could not be (validated|verified)|bad.credentials",
            rf"{_KEY} (is |has been |was )?(currently )?(blocked|disabled|revoked|suspended)",
            r"\bkey ending (in|with) \S{1,12} (is |has been |was )?(expired|revoked|disabled|deleted)",
        ),
        field="api_key",
        advice="new_key",
    ),
    Rule("invalid_credentials", lowered(r"unregistered callers"), field="api_key", advice="header"),
    # A key where another kind of credential is wanted.
    Rule(
        "invalid_credentials",
        lowered(
            r"\bapi keys? (is|are) not (supported|accepted|allowed|enabled)\b|access_token_type_unsupported",
            r"\bexpected (an? )?oauth ?2?\b|\bonly (accepts?|supports?) (oauth|entra|iam|jwt)",
            r"\boauth (authentication|tokens?) (is|are) (currently )?not (supported|allowed|accepted)",
        ),
        field="api_key",
        advice="other_credential",
    ),
    Rule(
        "permission_denied",
        lowered(
            r"\bkey.?based (authentication|authori[sz]ation|auth|access) (is|has been) (disabled|not)\b",
            r"authenticationtypedisabled|\blocal auth\w* (is |has been )?disabled\b",
        ),
        field="api_key",
        advice="other_credential",
    ),
    # An account that lacks a step of its own setting up.
    Rule(
        "permission_denied",
        lowered(
            r"\b(please|must|need to|have to|should) (first )?(bind|link|verify|activate|complete)\b.{0,40}"
            r"\b(account|e-?mail|phone|identity|real.?name|verification|registration)\b",
            r"\b(account|e-?mail|phone|identity)\b.{0,24}\bnot (yet )?(been )?(verified|activated|bound)\b",
            r"实名认证|未绑定|请.{0,4}绑定",
        ),
        field="api_key",
        advice="set_up_account",
        but_not=lowered(r"\b(key|token|credentials?)\b"),
    ),
    # What is for the vendor's own programs.
    Rule(
        "permission_denied",
        lowered(
            r"\bonly (currently )?(available|allowed|supported|authori[sz]ed|valid) (for|to|from|with|in) "
            r"(use (with|in|by) )?(\w{1,20} ){0,3}?(agents?|clients?|tools?|applications?|cli|claude code)\b",
        ),
        field="api_key",
        advice="other_protocol",
    ),
    # Rights of the key, its project or its organization.
    Rule(
        "permission_denied",
        lowered(r"api .{0,60}has not been used in project"),
        field="api_key",
        advice="enable_api",
    ),
    Rule(
        "permission_denied",
        lowered(
            r"(project|organi[sz]ation|account|team).{0,40}(archived|deactivated)",
            r"(project|organi[sz]ation|account|team|subscription).{0,40}(disabled|suspended)",
            r"(resource|account|subscription|access|organi[sz]ation) has been (temporarily )?"
            r"(blocked|restricted)",
            r"unavailable for (this |your )?account|\b(project|account) has been denied access\b",
            r"\b(instance|account|project|organi[sz]ation)\b.{0,40}\b(status )?is (not active|inactive)\b",
            r"封禁|账[户号].{0,16}(非活动|锁定|冻结|停用|禁用)",
        ),
        field="api_key",
        advice="account_shut",
        but_not=lowered(r"invalid (subscription|api).?key"),
    ),
    Rule(
        "permission_denied",
        lowered(
            r"no_organization|member of an organi[sz]ation|mismatched_organization|no such organi[sz]ation"
        ),
        field="api_key",
        advice="organization",
    ),
    Rule(
        "permission_denied",
        lowered(r"organi[sz]ation must be verified"),
        field="api_key",
        advice="verify",
    ),
    Rule(
        "permission_denied",
        lowered(
            r"insufficient permissions?|insufficient_scope|sufficient permissions",
            r"missing (required )?(scopes?|permissions?|roles?)",
            r"\b(scopes?|permissions?|roles?) (is|are) (required|needed|missing)",
            r"permission.?denied|permissions?_error",
            rf"{_NOT} have (the )?(necessary |required |sufficient )?(permissions?|rights|privileges|role)",
            r"lacks? the (required )?(permission|data action|role|right)",
            rf"{_MAY_NOT} (perform|access|use|call|invoke|make)",
            r"\bunauthori[sz]ed consumer\b|\bconsumer\b.{0,40}\b(forbidden|not allowed)\b",
            rf"noautherror|\bno permission\b|{_NOT} have access to it\b|unauthorizedoperation|未授权",
            r"无权",
        ),
        field="api_key",
        advice="permission",
        but_not=lowered(r"invalid (subscription|api).?key"),
    ),
    Rule(
        "permission_denied",
        lowered(
            r"(project|organi[sz]ation|account|team).{0,40}(does not have access|blocked|restricted)",
            r"api_key_\w{1,40}_blocked",
            r"request_forbidden|request not allowed|cannot consume this service",
        ),
        field="api_key",
    ),
    # No more than "access denied": gateways say so of keys too, and then the fault of the key tells more.
    Rule(
        "permission_denied",
        lowered(r"\baccess.?denied|\baccessdenied"),
        field="api_key",
        but_not=lowered(*_KEY_FAULTS),
    ),
    # Too little memory, which a server that refuses to be overloaded says too.
    Rule(
        "model_unavailable",
        lowered(
            r"out of memory|\boom\b|cuda (error|out)[^.]{0,40}memory(?! access)|not enough memory",
            r"requires more (system |gpu )?memory|insufficient (memory|system resources)",
            r"cublas|failed to allocate",
        ),
        field="model_id",
        advice="memory",
        lasts=True,
    ),
    # Full houses, said with a 429 that speaks of limits besides.
    Rule(
        "model_unavailable",
        lowered(
            r"overload|over capacity|at capacity|no capacity|insufficient (\w{1,20} )?capacity",
            r"capacity (temporarily )?(exceeded|reached|constraint)",
            r"high (traffic|demand|load)",
            r"worker (local )?total request limit|no more (\w{1,20} ){1,2}to (forward|route|send)",
            r"we('re| are) (receiving|experiencing|getting|seeing) (too many|an? |heavy)",
            r"\b(workers?|servers?|model|slots?) (is |are )?(currently )?busy\b",
            r"访问量过大|负载已?饱和",
        ),
        field="model_id",
        advice="full",
    ),
    # Somebody behind the endpoint is limited, not the caller.
    Rule(
        "model_unavailable",
        lowered(r"upstream rate.?limit", r"^\W{0,3}[^\s]{1,80} \[429\]"),
        field="model_id",
        advice="provider",
    ),
    Rule(
        "rate_limited",
        lowered(
            r"rate.?limit",
            r"too many (requests|concurrent|tokens)",
            r"request_limit_exceeded|\bqps\b.{0,30}(limit|exceed|reached)",
            r"(qps|request).?limit.?(exceeded|reached)",
            r"throttl",
            r"concurren\w{0,6}.{0,30}(limit|exceed|reached|usage)|parallel request limit",
            r"slow down",
            r"resource.?exhausted",
            r"exceeded your current requests",
            r"toomanyrequests",
            r"请求过于频繁|频率过高|速率限制|限流|并发",
        ),
        field="api_key",
        but_not=lowered(r"upstream"),
    ),
    # The model is of another kind, or was started for another task.
    # A gateway that has no way to ask this of a provider, whatever kind of failure it calls that.
    Rule(
        "wrong_model_type",
        lowered(
            r"exception - \W{0,3}un(supported|mapped) (llm )?provider|unmapped (llm )?provider",
            r"unable to map the custom.llm.provider",
            r"\bimage (generation|edit)( config)? is not supported for \w",
        ),
        field="model_type",
    ),
    Rule(
        "wrong_model_type",
        lowered(
            r"(only|supported) .{0,24}v1/responses",
            r"/chat/completions is (not|no longer) (supported|available|enabled|served)\b.{0,80}/responses\b",
        ),
        field="model_type",
        advice="responses_only",
        but_not=_OF_A_FIELD,
    ),
    Rule(
        "wrong_model_type",
        lowered(
            r"chat template is no longer allowed|provide a chat template",
            r"\b(chat|prompt)[_ ]template is not (set|defined|configured|available)\b",
            r"template error: template not found|not have an? (default )?chat template",
        ),
        field="model_type",
        advice="chat_template",
        but_not=_OF_A_FIELD,
    ),
    Rule(
        "wrong_model_type",
        lowered(
            r"(mean to|please) use (the )?/?v1/completions",
        ),
        field="model_type",
        advice="use_completion",
        but_not=_OF_A_FIELD,
    ),
    Rule(
        "wrong_model_type",
        lowered(
            r"(mean to|please) use (the )?/?v1/chat/completions",
        ),
        field="model_type",
        advice="use_chat",
        but_not=_OF_A_FIELD,
    ),
    Rule(
        "wrong_model_type",
        lowered(
            r"--(is-)?embeddings?\b|--reranking|not supported in predict mode",
            rf"must be (created|started|launched|loaded|run) with \W{{0,4}}{_KIND}",
        ),
        field="model_type",
        advice="start_flags",
        but_not=_OF_A_FIELD,
    ),
    Rule(
        "wrong_model_type",
        lowered(
            rf"not an? {_KIND}[\w -]{{0,20}} ?model",
            rf"\bis an? ({_KIND}|text.to.\w{{1,12}}|base)[\w -]{{0,20}} ?model\b",
            rf"not appear to be an? {_KIND}",
            r"did you mean to use v1/",
            r"(only )?(supported|available|accessible|used) (in|with|via|through) (the )?v1/",
            rf"does ?{_NOT} support (the )?(v1/)?{_KIND}\b(?! (tool|template))",
            rf"does ?{_NOT} support (generat(e|ion)|text.to.speech|speech.to.text)\b",
            r"operationnotsupported",
            r"operation (does not work with|is not supported (for|by)|is unsupported)",
            rf"(action|operation|endpoint|api|url)\b.{{0,30}}does ?{_NOT} support the model",
            r"model .{0,80}does not support this (api|endpoint|operation)",
            r"model .{0,80}not (available|supported|served) (on|at|in|via|through) the "
            r"(?!free|trial|paid|public|basic)[\w./-]{2,40} (endpoint|route|operation)\b",
            r"cannot be used with the \S{1,60} endpoint",
            r"use the /?\S{0,40}(embeddings|completions|images|audio|rerank|responses)\S{0,40} endpoint",
            rf"not (supported|available|compatible) (by|with|on|via|in|for) (the )?{_KIND}\b(?! (count|"
            rf"size|format))",
            r"\b(embeddings?|rerank(ing)?|transcriptions?|text.to.speech|speech synthesis) (is |are )?"
            r"not supported (by|for|with|on)",
            rf"model is not (an? )?({_KIND}|llm)\b|unsupported_api_for_model|\boptions are \{{",
            rf"does ?{_NOT} support [`'\"](embed|rerank|classify|generate|score|transcribe)",
            r"not allowed to generate embeddings",
            r"(model|task)[^.]{0,60}(type|task|mode) .{0,20}(mismatch|invalid|unsupported)",
            rf"(model|task)[^.]{{0,60}}(type|task|mode) .{{0,20}}{_NOT} (support|match)",
            r"not support(ed)? for (this )?(task|endpoint|operation)",
            rf"only supports? (the )?{_KIND}( (api|endpoint|completions|generation))?\b",
            rf"(embedding|pooling) models? (can ?{_NOT}|do ?{_NOT})",
            r"expected .{0,20}(chat|embedding|text) model",
            rf"\b(is not|cannot be used) for ((creat|generat)\w{{1,3}} )?{_KIND}",
            rf"only (accepts|takes|serves) {_KIND} models?|\bonly {_KIND} models? (can|may|are)\b",
            rf"\bcan ?{_NOT} use an? {_KIND} model\b|\bsupported tasks?( are)?:",
            rf"\bdoes ?{_NOT} have the \W?{_KIND}\W? (ability|capability)",
            r"\b(only|must) be (used|called|accessed) (only )?(with|via|through|at) (the )?/?v1/",
            r"no (chat|embedding|generation|rerank) (head|capability)",
            r"\bendpoint (is )?(disabled|not enabled) for (this|the) model\b",
            r"不支持(该|此)?(接口|任务)",
        ),
        field="model_type",
        but_not=_OF_A_FIELD,
    ),
    # Loading, full, broken: it is known, but does not serve now.
    Rule(
        "model_unavailable",
        lowered(
            r"(failed|unable) to load (?!audio|image)|could ?n[o']t (be )?load|error loading model",
            r"cannot load (the )?(network|model|weights)|error (was )?encountered while running the model",
            r"exited prematurely|process has terminated|signal: (killed|aborted|segment)",
            r"exit (code|status) \d|\b(worker|engine|backend|server) process (has )?(died|crashed|exited)\b",
            r"load request: .{0,80}\beof\b",
        ),
        field="model_id",
        advice="server_log",
        lasts=True,
    ),
    Rule(
        "model_unavailable",
        lowered(
            r"cudaerror|cuda (error|out)",
            r"engine.{0,20}(dead|not running|stopped|crash|encountered an issue)|runner process",
            r"model (runner|loading) (failed|has unexpectedly)|model (has |process )?crashed",
            r"\bmodel (\S{1,80} )?(is )?too large to (be )?load",
            r"inference engine is unavailable|model (was )?(re|un)loaded\b|model unavailable due to",
        ),
        field="model_id",
        advice="server_log",
    ),
    # What a server ran into behind itself: the backend of the model, or the container behind a cloud's API.
    Rule(
        "model_unavailable",
        lowered(
            r"\b(backend|inference|generation) error\b|\bunhealthy\b|\bnot healthy\b|failed to respond",
            r"received (a )?(server|client) error \(\d{3}\) from|model returned the following errors",
            r"\bmodelerror(exception)?\b|transport error|error during inference|request failed during",
        ),
        field="model_id",
        advice="server_log",
        lasts=True,
        statuses=frozenset({424}),
    ),
    Rule(
        "model_unavailable",
        lowered(
            r"server (is )?busy|queue (is )?full|too busy|busy, please|请稍后|繁忙",
            r"another (\w{1,20} )?(generation|request|job|task) is (already )?(in progress|running)",
        ),
        field="model_id",
        advice="full",
    ),
    Rule(
        "model_unavailable",
        lowered(
            r"\bloading\b|is still load|warming up|cold.?start|starting up|scaling.?up|runner to start",
            r"\bis (still )?(being )?(initiali[sz]|start|deploy|provision|download)",
            r"being (loaded|registered|downloaded|pulled)\b|server (is )?not (yet )?started",
            r"(runner|engine|pipeline|backend|worker) (is |was |has )?not (yet )?(been )?initiali[sz]ed",
            r"not[ _]ready|did not become ready|(not loaded|not yet loaded) ?yet|is not yet loaded",
        ),
        field="model_id",
        advice="not_ready",
    ),
    Rule(
        "model_unavailable",
        lowered(r"no ((available|healthy) ){0,2}deployments?\b"),
        field="model_id",
        advice="deployments",
    ),
    Rule(
        "model_unavailable",
        lowered(
            r"scaled (down )?to zero",
            r"(model|endpoint|engine|deployment)( \S{1,80})? (is |has been )?(currently )?"
            r"(paused|stopped|stopping|sleeping|offline|unloaded)\b",
            r"\b(endpoint|model|deployment|instance)\b.{0,80}\bis not running\b",
        ),
        field="model_id",
        advice="start_model",
    ),
    Rule(
        "model_unavailable",
        lowered(
            r"provider_unavailable|^provider returned error[\W\d]*$",
            r"upstream (error|connect|request|provider|service)",
        ),
        field="model_id",
        advice="provider",
    ),
    # The same words around a refusal, or a tag beside one, tell of an outage only where the status does.
    Rule(
        "model_unavailable",
        lowered(r"provider returned error|upstream_error"),
        field="model_id",
        advice="provider",
        statuses=frozenset({429, *range(500, 600)}),
    ),
    Rule(
        "model_unavailable",
        lowered(r"\bmodel (is )?(currently )?(not available|unavailable)\b"),
        field="model_id",
        statuses=frozenset(range(500, 600)),
    ),
    Rule(
        "model_unavailable",
        lowered(
            rf"no ({_WELL} ){{0,3}}(worker|server|instance|replica|backend|upstream|node|gpu)s?\b",
            r"bad gateway|gateway time-?out",
            r"origin (is )?(unreachable|down)|name resolution failed|ring-balancer",
            r"econnrefused|connection (refused|error|reset)|dial tcp|connect call failed",
            # The name of a class that wraps any failure at all says nothing before words of another kind.
            r"apiconnectionerror(?!:.{0,60}exception - )",
            r"apiconnectionerror\b.{0,400}(connect(ion)?|timed? ?out|unreachable|disconnected)\b",
            r"(cannot connect to host|failed to connect to (the )?(backend|upstream|server|worker))",
            r"\b(post|get) \W?https?://\S{1,100} eof\b|\ball (upstream )?(providers|backends|channels) "
            r"(have )?(failed|returned errors)\b",
        ),
        field="model_id",
        advice="behind_proxy",
    ),
    Rule(
        "model_unavailable",
        lowered(
            rf"no ({_WELL} ){{0,3}}deployments?\b",
            r"temporarily (unavailable|disabled|out of)|currently unavailable",
            r"service (is )?unavailable|under maintenance",
            r"degraded function|try again later|暂时无法|暂不可用|服务不可用",
            r"(ratio or price|price|pricing) (is )?not (set|configured)|价格未配置",
        ),
        field="model_id",
    ),
    # What was asked is served, but not here.
    Rule(
        "no_route",
        lowered(
            rf"({_NOT}) (supported|available|served|enabled) (on|at|in|under) this (route|path|host|"
            rf"base ?url)\b",
            r"incorrect (regional )?host ?name|incorrect_hostname",
            r"\bapi\b(?! key).{0,20}\bhas been deprecated\b",
            r"only available when using .{0,30}\b(api|base)\b",
            r"api.?version(s| query parameter)?\b[^,.]{0,20}\b(not (allowed|supported)|invalid|retired)",
            r"\benabled only for api.?versions?|\b(unsupported|invalid) api.?version",
            r"\bapi \S{1,40} ?(已下线|不存在)|接口(版本)?不存在",
        ),
        field="base_url",
        statuses=_ROUTE_STATUSES | {401, 421},
    ),
    # The path is not served, said so plainly that no rule below may take it for a model.
    Rule(
        "no_route",
        lowered(
            r"no route (matched|for)|could not route to",
            r"unexpected endpoint",
            r"\b(invalid|unknown) (request )?url\b|unknown_url|url error|url\.not_found",
            r"cannot (post|get) /",
            r"unsupported ((native|api|http|request|url|endpoint) ){0,3}path\b",
            r"no matching (route|operation)(?!.{0,60}\bmodel\b)",
            r"^missing authentication token\s*$|\bunable to determine service/operation name\b",
        ),
        field="base_url",
        statuses=_ROUTE_STATUSES,
    ),
    # The model is not there: it was, once;
    Rule(
        "model_not_found",
        lowered(
            r"model_decommissioned",
            r"^(?!.*\b(version|endpoint|api|route|url)\b).*\b(has been|have been|was|were) "
            r"(retired|decommissioned|sunset)\b",
            rf"{_THE_MODEL}(no longer|decommissioned|deprecated|retired|discontinued)",
            rf"{_THE_MODEL}(sunset|shut ?down)",
            rf"{_THE_MODEL}(was|were|has been|have been) removed (on|in|as of|from)\b",
            rf"{_THE_MODEL}end.of.(its )?life|\bno longer available as an? [\w-]{{1,20}} model\b",
        ),
        field="model_id",
        advice="retired",
        but_not=lowered(
            r"\b(may|might|could) (have been|be) ",
            r"unsupported (parameter|value)|model (parameter|field) not found",
            r"not supported (with|on|by|for) this model",
            r"unrecogni[sz]ed request argument",
        ),
    ),
    # or is not started (of a listed id: it is there, but sleeps);
    Rule(
        "model_not_found",
        lowered(
            rf"{_THE_MODEL}not (currently |yet |been )?loaded\b",
            r"\bno (\w{1,12} )?models? (is |are |has been |have been )?(currently |yet )?loaded\b",
        ),
        field="model_id",
        advice="start_model",
    ),
    # or is named by a deployment, or can be put there;
    Rule(
        "model_not_found",
        lowered(r"deploymentnotfound|api deployment .{0,40}does not exist"),
        field="model_id",
        advice="deployment",
    ),
    # is called by the id of what it runs in;
    Rule(
        "model_not_found",
        lowered(r"on-demand throughput isn.t supported", r"\b(id|arn)\b.{0,30} of an inference profile"),
        field="model_id",
        advice="profile",
    ),
    Rule(
        "model_not_found",
        lowered(r"pull(ing)? (it|the model) first"),
        field="model_id",
        advice="or_deploy",
    ),
    # codes and set phrases.
    Rule(
        "model_not_found",
        lowered(
            r"model[ _]?not[ _]?(found|exists?)|\bnot supported model\b|cannot use own model",
            r"models?\b.{0,300}\bbut you passed\b|allowed now, your model|model name is invalid",
            r"unknown provider for model|no router? for (the )?requested model|no reachable .{0,20}source",
            r"deployment \S{1,100} (is )?not found|not configured in the gateway",
            r"\bmalformed (\w{1,20} )?model\b",
            r"model field.{0,60}cannot be empty|model should be in .{0,12}format",
            r"invalid_model|unknown_model|model_not_(available|supported)|modelerror",
            r"\b(invalid|unknown|unsupported|unrecogni[sz]ed)[ _]model\b(?! (type|output|input|param))",
            r"\b(no such|non-?existent|incorrect|wrong|bad)[ _]model\b(?! (type|output|input|param))",
            r"not a (valid|supported|known|recogni[sz]ed) model",
            r"no ((available|allowed) )?(endpoint|channel|provider|adapter|lora)s? "
            r"((are|is) )?((found|available) )?(for|serving|with)\b",
            r"(graph|servable|pipeline)( definition)? with requested name .{0,60}not found",
            r"repository not found",
            r"(could not|can(no|')t|failed to|unable to) (find|access|resolve) (\S{1,20} )?"
            r"(model|deployment)",
            r"no models? (named|with|found|matching)|there is no model|(not|no) found.{0,12}\bmodel",
            r"^model: \S{1,200} .{0,20}not_found",
            r"(lora|adapter) .{0,60}(not found|does not exist|not exist)",
            r"inference (component|profile) .{0,40}not found|served.?model.?name",
            r"(endpoint|deployment) with name .{0,120}(not exist|not found)",
            r"endpoint or model .{0,40}not exist|targeted an endpoint that does not exist",
            r"not found for account|\bentity with key .{1,120} not found",
            r"\bfunction\b.{0,120}\bin account\b.{1,80}not found|unexpected model name",
            r"llm provider not provided|\binvalid provider\b(?! (api|key|credential|token))",
            r"model( id)? must be in the format|invalid model id\b",
            r"\bfound using 'model' does not match any|'loc': [\[(]('body', )?'model'",
            r"模型不存在|无可用渠道|模型.{0,40}(不存在|未找到|不可用|下线)",
        ),
        field="model_id",
        but_not=lowered(r"unsupported (parameter|value)"),
    ),
    # "The model … is not there", however the sentence goes on.
    Rule(
        "model_not_found",
        lowered(
            rf"{_THE_MODEL}(not (be )?found|(does|do)(n't| not) exist|not exist|non-existent)",
            rf"{_THE_MODEL}not (currently )?(supported|available|offered|served|deployed|hosted)\b",
            rf"{_THE_MODEL}not in the list of ",
            rf"{_THE_MODEL}not (currently )?(registered|recogni[sz]ed|configured|mapped|present|valid)\b",
            rf"{_THE_MODEL}not (currently )?(installed|enabled|part of)\b",
            rf"{_THE_MODEL}(isn't (supported|available)|unavailable|unknown|is invalid|disabled)",
            rf"{_THE_MODEL}removed",
        ),
        field="model_id",
        but_not=lowered(
            r"unsupported (parameter|value)|model (parameter|field) not found",
            r"not supported (with|on|by|for) this model",
            r"unrecogni[sz]ed request argument",
        ),
    ),
    # A field of the request, an input or a way to ask, said with a status that tells of something else.
    Rule(
        "shape",
        lowered(
            r"no endpoints found that (support|can handle)|^invalid request: ",
            r"error: .{0,20}invalid request: ",
            r"\b(tool (use|calling)|tools|function calling|streaming|json mode|response_format|lora)\b "
            r"(is|are) not supported",
            rf"does ?{_NOT} support (tool|function|lora|streaming|json|response_format|system)",
            r"\b(param|parameter|response_format|tools?)\b.{0,30}\b(requires?|only supports?)\b",
            r"only supports? (\w{1,20} )?(response_format|parameter)|streaming is required",
            r"(audio|image|vision|file|video) input is not supported",
            r"(failed|unable) to (decode|load) (audio|image)",
            r"jinja exception|raise_exception|no user query found|roles must alternate",
            r"too large to process|physical batch size|badrequesterror",
            r"不是json|格式(错误|不正确)|取值范围|参数.{0,6}(错误|无效|不合法)",
        ),
        field="base_url",
        but_not=lowered(r"model .{0,40}not (found|exist)|authori[sz](ed|ation)|internal ?server"),
        statuses=_NOT_PLAINLY,
    ),
    # Keys: none came where the endpoint looks for one;
    Rule(
        "invalid_credentials",
        lowered(
            rf"{_KEY_IS}(is missing|missing|not (sent|provided))",
            rf"\b{_NO_OR_MISSING}[ _-]{{0,2}}(\w{{1,20}}[ _-]){{0,2}}?\W?{_KEY}\b(?!s? (limit|count|usage))",
            r"no (auth|cookie|api key|key|bearer|authorization)[ \w]{0,20}(found|provided|passed|supplied)",
            r"no (auth|cookie|api key|key|bearer|authorization)[ \w]{0,20}(given|was|header)",
            r"authori[sz]ation( header)?\b.{0,60}?\bmissing",
            r"(did not|didn.t) (provide|send|pass) an? (api key|key|token)",
        ),
        field="api_key",
        advice="header",
        but_not=lowered(
            r"max_\w{0,20}tokens|token limit|context length|unsupported parameter|too many tokens",
            r"token.?count|extra_forbidden|extra inputs",
            r"invalid|incorrect",
        ),
    ),
    # a gateway issues its own, and without a database it knows none but its own master key;
    Rule(
        "invalid_credentials",
        lowered(r"invalid proxy server token", r"virtual key", r"no connected db|no_db_connection"),
        field="api_key",
        advice="gateway_issued",
    ),
    # it is of another resource or region;
    Rule(
        "invalid_credentials",
        lowered(
            r"(invalid|incorrect|wrong).{0,60}\b(subscription key|region(al)?\b|(api )?endpoint\b)",
        ),
        field="api_key",
        advice="region_of_key",
        but_not=lowered(r"model|invalid (api )?(endpoint|path|route)|\binvalid (request )?url"),
    ),
    # it was good, once;
    Rule(
        "invalid_credentials",
        lowered(
            rf"\b(expired|revoked|disabled|blocked|leaked)[ _-]{{0,2}}(\w{{1,20}}[ _-]){{0,3}}?{_KEY}",
            rf"{_KEY_IS}(expired|revoked|disabled|deleted|rotated|deactivated)",
            r"(令牌|密钥|apikey).{0,12}过期",
        ),
        field="api_key",
        advice="new_key",
        but_not=lowered(
            r"\bor\b|或|不正确",
            r"max_\w{0,20}tokens|token limit|context length|unsupported parameter|too many tokens",
            r"token.?count|extra_forbidden|extra inputs",
        ),
    ),
    # or it is simply wrong.
    Rule(
        "invalid_credentials",
        lowered(
            *_KEY_FAULTS,
            r"unauthori[sz]ed|unauthenticated",
            r"authentication (failed|failure|required|error|fails|is required)",
            r"authentication_error|authenticationerror|not authenticated|not logged in",
            r"fail(ed)?[ _]to[ _]auth|\bauth[ _]?(fail|error)",
            r"please (log|sign) ?in|login required|login fail",
            r"user not found|account not found|invalid username or password",
            r"(did not|didn.t) (provide|send|pass) an? (api key|key|token)",
            r"expected to start with 'sk-'",
            r"\bjwt (is|verification|issuer)",
            r"invalid signature|signature ?(does|mis|fail)|\bsignature\b.{0,40}\bdoes not match",
            r"secret ?id\b.{0,20}not found",
            r"(failed|unable) to (get|read|find) the authori[sz]ation|certification failed",
            r"(get|verify|validate|refresh) (\w{1,20} )?token failed",
            r"账[户号]不存在",
            r"could not validate credentials|access denied due to invalid",
            r"令牌|身份验证失败|鉴权|密钥|apikey",
        ),
        field="api_key",
        but_not=lowered(
            r"max_\w{0,20}tokens|token limit|context length|unsupported parameter|too many tokens",
            r"token.?count|extra_forbidden|extra inputs",
        ),
    ),
    # Prompts that a filter refused: reached with a good key and a known model.
    Rule(
        "filtered",
        lowered(
            r"content[_ -]?(management )?(filter|policy)",
            r"responsible ?ai",
            r"data_?inspection",
            r"content exists risk|risk control|high risk",
            r"(prompt|input|content)\b.{0,40}(flagged|(blocked|rejected) (by|due|for|as))|input blocked",
            r"request .{0,40}(flagged|(blocked|rejected) (by|due|for|as)).{0,60}(content|safety|moderat|"
            r"policy|guard)",
            r"\b(prompt injection|jailbreak)\b.{0,30}\bdetected\b",
            r"(inappropriate|sensitive|unsafe|harmful|prohibited) (content|input|prompt|words|information)",
            r"new_sensitive|\bpolicy_violation\b",
            rf"\b{_FILTERABLE}\b.{{0,60}}violat\w{{1,4}} (of )?(our|the) "
            r"((usage|content|acceptable use|safety) )?(polic|guideline|terms)",
            r"safety (system|filter|settings|policy)",
            r"(violat|block|interven|reject|flag|trigger|deni)\w{0,6}.{0,40}\bguardrail",
            r"guardrail\b.{0,60}(violat|blocked|interven|rejected (the|your)|triggered|flagged)",
            r"moderation (block|flag)|content.?moderation|flagged for",
            r"(安全策略|内容安全|安全审核|合规)|违规|不当内容",
            r"prompt_blocked|content_blocked|prohibited_content|censorship|敏感",
        ),
        field="base_url",
        but_not=lowered(
            r"guardrail.{0,60}(not (exist|found|configured|available)|cannot connect|failed to connect|"
            r"timed out)",
            r"cannot connect to host",
        ),
    ),
    # What routers say of any unknown path, when nothing above made it speak of something else.
    Rule(
        "no_route",
        lowered(
            r"no route|no handler",
            r"route .{0,80}not found|not found: route|path not found",
            r"404 page not found|url not found|page not found|not found on this server",
            r"the requested (url|resource could not be found)",
            r"resource not found|resource_not_found|no static resource",
            r"unknown (path|endpoint|route|operation)|endpoint not found",
            r"no such (endpoint|route|api)|invalid (path|endpoint|route)|api (path )?not found",
            r"method not allowed|unsupported (\w{1,20} )?method",
            r"^(?=.*(found|404))(not[ _]?found|[1-5]\d\d|file|error|[\s.:_])+$",
        ),
        field="base_url",
        statuses=_ROUTE_STATUSES,
    ),
)
