"""What an answer means: the codes of a rejection, the rules that find them in an endpoint's words, the
messages.

Words beat statuses. Many endpoints say 400 for a bad key, 401 for an unknown model, 500 for a full memory, so
every rule reads the words first (in the order of `RULES`, the most specific first) and only what no words explain
falls to `_by_status`. No rule knows a vendor by its host; each is the wording of a family of servers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.probe.words import Said

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


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the error reference: which field a code speaks of, what it means, what to do."""

    field: str | None
    title: str
    help: str


CODES: Mapping[str, Code] = {
    "egress_denied": Code(
        "base_url",
        "The address may not be contacted",
        "Muster's address rules forbid this host. Use another address, or ask whoever runs Muster to allow it with "
        "MUSTER_EGRESS_ALLOW or MUSTER_EGRESS_PRIVATE. Link-local and metadata addresses are never allowed.",
    ),
    "endpoint_unreachable": Code(
        "base_url",
        "Nothing answers at this address",
        "Check the host name, the port and that the server runs and listens on an address that Muster's machine can "
        "reach. `localhost` is the machine (or container) on which Muster itself runs.",
    ),
    "tls_error": Code(
        "base_url",
        "The TLS connection could not be trusted",
        "Renew or replace the certificate, use the host name it is made for, or add the authority that signed it "
        "with MUSTER_CA_BUNDLE. Where the server speaks plain HTTP, write http:// in the base URL.",
    ),
    "timeout": Code(
        "base_url",
        "No sufficient answer within the limits",
        "See whether the server is busy or loading the model, then probe again. Where this model is known to be slow, "
        "raise MUSTER_FIRST_BYTE_S and MUSTER_PROBE_S.",
    ),
    "redirected": Code(
        "base_url",
        "The endpoint points elsewhere",
        "Register the address that it points to, if you trust it. A key is never sent along a redirect.",
    ),
    "wrong_path": Code(
        "base_url",
        "A server is there, the API is not at this path",
        "Correct the path of the base URL: it ends where /chat/completions begins, in most cases with /v1.",
    ),
    "not_openai_compatible": Code(
        "base_url",
        "What answered is not an OpenAI-compatible API",
        "Look at the address in a browser: a login page, a bot filter, or another kind of server answers there. "
        "Use the address of the API itself, or let Muster's address through the filter.",
    ),
    "invalid_credentials": Code(
        "api_key",
        "The key was not accepted",
        "Copy the key again from the vendor's console or the server's settings, see that it belongs to this endpoint "
        "and region, and that it has not expired or been revoked.",
    ),
    "permission_denied": Code(
        "api_key",
        "The key is right but may not do this",
        "Give the key, its project or organization the right that the message names (model access, region, address "
        "list), or use a key that has it. A new key with the same rights will not help.",
    ),
    "quota_exhausted": Code(
        "api_key",
        "No money, plan or quota is left",
        "Add credit, raise the limit or wait for the new period, then probe again. The key itself is right.",
    ),
    "rate_limited": Code(
        "api_key", "The endpoint limits calls now", "Probe again later, or use a key with a higher limit."
    ),
    "model_not_found": Code(
        "model_id",
        "The endpoint does not serve this model",
        "Use an id that the endpoint lists, exactly as it spells it, or deploy the model there first.",
    ),
    "wrong_model_type": Code(
        "model_type",
        "The model is there, but is of another type",
        "Choose the type that the message names, or another model.",
    ),
    "model_unavailable": Code(
        "model_id",
        "The model is known but does not answer now",
        "See the endpoint's own status: it is loading, overloaded, out of memory, or its own upstream refuses it. "
        "Probe again when it serves.",
    ),
    "endpoint_error": Code(
        "base_url", "The endpoint failed", "The server's own log will say why. Probe again when it is mended."
    ),
    "invalid_request": Code(
        "api_key", "The value cannot be sent", "Correct the named field: copy it again as plain text."
    ),
    "capability_contradicted": Code(
        None,
        "A declared capability was not seen",
        "Take the declaration back, or switch the capability on at the server, and probe again.",
    ),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that mean something. `but_not` names words that make them mean something else."""

    meaning: Meaning
    words: re.Pattern[str]
    field: str | None = None
    but_not: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()

    def fits(self, said: Said) -> bool:
        """Whether the words (and, where the rule asks for one, the status) are these."""
        if self.statuses and said.status not in self.statuses:
            return False
        return bool(self.words.search(said.all)) and not (self.but_not and self.but_not.search(said.all))


def _rx(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.I)


_NAMED = r"[`'\"“«]?[^\s`'\"”»,]{1,200}[`'\"”»]?"
"""A model's name as sentences quote it."""

RULES: tuple[Rule, ...] = (
    # A gateway whose own key the upstream refused: the caller's key is right, the model cannot be served.
    Rule(
        "model_unavailable",
        _rx(
            r"litellm\.(authenticationerror|permissiondeniederror)",
            r"\w+exception - .{0,80}(api key|authenticat|unauthori[sz]ed)",
            r"(upstream|provider|backend)('s)?\b.{0,80}?(\b40[13]\b|unauthori[sz]ed|invalid.{0,12}key|incorrect api key|authenticat|credential)",
        ),
        but_not=_rx(r"invalid proxy server token", r"virtual key"),
    ),
    # Filters that look at the program, not at the key.
    Rule(
        "bot_filter",
        _rx(
            r"error code: ?1\d{3}",
            r"attention required!? \| cloudflare",
            r"just a moment",
            r"checking your browser",
            r"cf-browser-verification",
            r"captcha",
            r"please enable (javascript|cookies)",
            r"ddos.guard",
            r"incapsula incident",
            r"request unsuccessful\. incapsula",
            r"pardon our interruption",
            r"bot (detected|protection|filter)",
            r"akamai.*reference",
            r"you have been blocked",
            r"perimeterx|datadome|imperva",
            r"sorry, you have been",
        ),
    ),
    Rule(
        "tls_wanted",
        _rx(
            r"plain http request was sent to https port",
            r"client sent an http request to an https server",
            r"you're speaking plain http to an ssl-enabled server",
            r"this combination of host and port requires tls",
        ),
    ),
    # Region, address list, organisation, scopes, model access: a right key that may not.
    Rule(
        "permission_denied",
        _rx(
            r"country,? region,? or territory",
            r"unsupported_country",
            r"location is not supported",
            r"(not|un)\s?available in your (country|region|location)",
            r"(region|country) (is )?not (supported|allowed)",
            r"your (country|region|location) .{0,30}not (supported|allowed)",
            r"geo.?(block|restrict)",
            r"\bip\b.{0,40}(not (allowed|authori[sz]ed|whitelisted|in (the )?(allow|white))|denied|blocked|forbidden)",
            r"ip_not_authorized",
            r"(allow|white)list",
            r"traffic .{0,40}(virtual network|firewall|denied)",
            r"public access is disabled",
            r"private endpoint",
        ),
        field="api_key",
    ),
    Rule(
        "permission_denied",
        _rx(
            r"(not|n't|no) have access to (the |this )?(model|deployment|foundation|project|requested)",
            r"not have access to `?[\w./:@-]+`?$",
            r"no access to (the |this )?model",
            r"(not|n't) (allowed|permitted|authori[sz]ed) to (access|use|call|invoke|sample from|query) (the |this )?model",
            r"model.{0,80}(access denied|permission denied|is blocked|restricted|not allowed)",
            r"key not allowed to access model",
            r"key_model_access_denied|team_model_access_denied",
            r"can only access models?",
            r"gated (repo|model)",
            r"requires? terms acceptance",
            r"model_terms_required",
            r"must be verified to use the model",
            r"access to (the |this )?model .{0,60}(denied|restricted|forbidden)",
            r"model_permission_blocked",
            r"accept (the )?(license|terms|agreement)",
            r"model .{0,80}not (enabled|activated) (for|in|on) (your|this) (account|project|organi[sz]ation|key|workspace|subscription)",
        ),
        field="model_id",
    ),
    Rule(
        "permission_denied",
        _rx(
            r"no_organization",
            r"member of an organi[sz]ation",
            r"insufficient permissions?",
            r"missing scopes?",
            r"insufficient_scope",
            r"missing (required )?(scope|permission|role)",
            r"permission.?denied|permission_error",
            r"(not|n't) have (the )?(necessary |required |sufficient )?(permissions?|rights|privileges|role)",
            r"does not have permission",
            r"lacks? (the )?permission",
            r"(not|n't) (allowed|permitted|authori[sz]ed) to (perform|access|use|call|invoke|make)",
            r"accessdenied(exception)?",
            r"(project|organi[sz]ation|account|team).{0,40}(does not have access|archived|deactivated|disabled|suspended|blocked)",
            r"api .{0,60}has not been used in project",
            r"api_key_service_blocked",
            r"request_forbidden",
        ),
        field="api_key",
        but_not=_rx(r"invalid (subscription|api).?key", r"overdue|arrear|balance|billing|unpaid"),
    ),
    # Money and plans. A short stated wait says that it is a rate after all: see `_refine`.
    Rule(
        "quota_exhausted",
        _rx(
            r"insufficient.?(quota|balance|credits?|funds)",
            r"exceeded your current quota",
            r"quota.{0,40}(exhausted|exceeded|used up|depleted|reached)",
            r"(credit|account|prepaid).{0,30}(balance|limit).{0,30}(too low|exhausted|insufficient|reached|negative|empty)",
            r"payment.?required",
            r"(no|not enough|out of|run out of|requires? more|insufficient|used up|exhausted).{0,20}credits?",
            r"billing.{0,30}(hard limit|not active|limit|inactive|disabled|issue|enabled)",
            r"arrear|overdue.?payment|in good standing|outstanding (balance|payment)",
            r"top.?up|recharge your|please recharge",
            r"budget.{0,20}(exceeded|has been)|exceededbudget|exceeded.{0,20}budget|over budget",
            r"max budget",
            r"(spend(ing)?|usage|monthly|daily) (limit|cap).{0,40}(reached|exceeded|hit)",
            r"(limit|quota|requests|tokens|free.?models).{0,24}(per|a|/)[ -]?(day|month|week)",
            r"\b[tr]pd\b",
            r"daily.{0,20}(limit|quota|free allocation)",
            r"free (trial|tier|quota|credits?|allocation).{0,40}(ended|expired|exhausted|used up|over)",
            r"allocationquota|trial (has )?(ended|expired)",
            r"余额不足|欠费|额度不足|额度已用|用尽",
            r"subscription (has )?(expired|ended)|no active (subscription|plan)",
            r"plan does not include",
        ),
        field="api_key",
    ),
    Rule(
        "rate_limited",
        _rx(
            r"rate.?limit",
            r"too many (requests|concurrent)",
            r"requests? per (minute|second|hour)",
            r"tokens per (minute|second|hour)",
            r"throttl",
            r"\b[rt]p[ms]\b.{0,30}(limit|exceed|reached)",
            r"(concurren\w+).{0,30}(limit|exceed|reached)",
            r"slow down",
            r"resource.?exhausted",
            r"quota exceeded",
            r"请求过于频繁|速率限制|限流",
            r"toomanyrequests",
        ),
        field="api_key",
        but_not=_rx(r"worker (local )?total request limit", r"upstream", r"capacity"),
    ),
    # The model is of another kind.
    Rule(
        "wrong_model_type",
        _rx(
            r"not an? (chat|text|completion|embedding|image|audio|tts|speech|transcription|rerank|re-?ranker|re-ranking|moderation|generative|language|realtime|classifier|score)[\w -]{0,20} ?model",
            r"model[^.]{0,120}is an? (chat|text.to.\w+|completion|embeddings?|image|audio|tts|speech|transcription|rerank(er)?|moderation|realtime|base)[\w -]{0,20}model",
            r"not supported in the v1/\S+ endpoint",
            r"did you mean to use v1/",
            r"(only )?(supported|available|accessible|used) (in|with|via|through) (the )?v1/\S+",
            r"does(n't| not) support (the )?(v1/)?(chat|generate|generation|completions?|text completions?|embeddings?|embedding generation|images? generation|transcriptions?|speech|rerank(ing)?|scor(e|ing)|moderations?|realtime|text.to.speech|speech.to.text)\b(?! (tool|image input|template))",
            r"operationnotsupported",
            r"operation (does not work with|is not supported (for|by)|is unsupported)",
            r"cannot be used with the \S+ endpoint",
            r"use the /?\S*(embeddings|completions|images|audio|rerank|responses)\S* endpoint",
            r"--embeddings?\b|--reranking",
            r"(model|task)[^.]{0,60}(type|task|mode) .{0,20}(mismatch|not (support|match)|invalid|unsupported)",
            r"not support(ed)? for (this )?(task|endpoint|operation)",
            r"not compatible with (the )?\S*(chat|embedding|completion|image|audio|speech|rerank)\S*",
            r"(url|api|endpoint) .{0,30}does not support the model",
            r"model .{0,80}does not support this (api|endpoint|operation)",
            r"only supports? (the )?(chat|embeddings?|completions?|image|audio|responses)( (api|endpoint|completions|generation))?\b",
            r"embedding models? (can ?not|do not|don't)",
            r"expected .{0,20}(chat|embedding|text) model",
            r"no (chat|embedding|generation|rerank) (head|capability)",
            r"不支持(该|此)?(接口|任务)",
        ),
        field="model_type",
        but_not=_rx(
            r"json_schema|response_format|tool|stream_options|reasoning_effort",
            r"system (role|message)|image_url|multimodal|image input|vision",
        ),
    ),
    # Loading, full, broken: it is known, but does not serve now.
    Rule(
        "model_unavailable",
        _rx(
            r"\bloading\b|is still load|warming up|cold.?start|starting up",
            r"is (being )?(initiali[sz]|start|deploy|provision)",
            r"overload|at capacity|no capacity|capacity (exceeded|reached|constraint)",
            r"over capacity|insufficient capacity",
            r"out of memory|\boom\b|cudaerror|cuda (error|out)|not enough memory",
            r"requires more (system |gpu )?memory|insufficient memory|cublas|failed to allocate",
            r"no (available |healthy |live |free |ready |active )*(worker|server|instance|replica|backend|upstream|deployment|node|gpu)s?\b",
            r"not ready|temporarily (unavailable|disabled|out of)|currently unavailable",
            r"service (is )?unavailable|under maintenance",
            r"engine.{0,20}(dead|not running|stopped|crash)|enginedeaderror|runner process",
            r"scaled (down )?to zero|model (is )?(paused|stopped|stopping|sleeping|offline)",
            r"worker (local )?total request limit|provider_unavailable|provider returned error",
            r"upstream (error|connect|request|provider|service)|bad gateway|gateway time-?out",
            r"origin (is )?(unreachable|down)",
            r"failed to load|could ?n[o']t (be )?load|error loading model|unable to load",
            r"model (runner|loading) (failed|has unexpectedly)",
            r"server (is )?busy|queue (is )?full|too busy|busy, please|try again later|请稍后|繁忙",
            r"high (demand|load)",
            r"econnrefused|connection refused|dial tcp|connect call failed|apiconnectionerror",
        ),
        field="model_id",
    ),
    # The model is not there.
    Rule(
        "model_not_found",
        _rx(
            r"model_?not_?(found|exist)",
            r"model_decommissioned|invalid_model|unknown_model|model_not_available",
            r"model_not_supported|modelnotfound|modelerror",
            r"deploymentnotfound|api deployment .{0,40}does not exist",
            r"(invalid|unknown|unsupported|unrecogni[sz]ed|no such|non-?existent|incorrect|wrong|bad)[ _]model\b(?! (type|output|input|param))",
            rf"\bmodels?\b:? ?{_NAMED}?.{{0,120}}?\b(not (be )?found|(does|do)(n't| not) exist|not exist|not (currently )?(supported|available|offered|served|deployed|loaded|registered|recogni[sz]ed|configured|mapped|present|valid|exist|enabled|part of)|isn't (supported|available)|unavailable|unknown|no longer|decommissioned|deprecated|retired|discontinued|removed|sunset|shut ?down|end.of.life|is invalid)",
            r"not a (valid|supported|known|recogni[sz]ed) model",
            r"no (available |allowed )?(endpoints?|channels?|providers?|deployments?|routes?|adapter|lora)s? (are |is )?(found|available|match\w*|configured|exist\w*|serv\w+)?.{0,10}(for|matching|serving|with).{0,40}",
            r"pull(ing)? (it|the model) first|repository not found",
            r"could not find (the )?(model|deployment)|can(no|')t find (the )?model",
            r"failed to find (the )?model|no model (named|with|found|matching|loaded)",
            r"there is no model",
            r"invalid model name|(lora|adapter) .{0,60}(not found|does not exist|not exist)",
            r"inference (component|profile) .{0,40}not found|served.?model.?name",
            r"模型不存在|无可用渠道|模型.{0,40}(不存在|未找到|不可用|下线)|endpoint or model .{0,40}not exist",
            r"(not|no) found.{0,12}\bmodel",
        ),
        field="model_id",
        but_not=_rx(
            r"unsupported (parameter|value)",
            r"not supported with this model",
            r"unrecogni[sz]ed request argument",
        ),
    ),
    # Keys.
    Rule(
        "invalid_credentials",
        _rx(
            r"(invalid|incorrect|wrong|bad|unknown|malformed|expired|revoked|disabled|inactive|missing|no|empty|illegal|unrecogni[sz]ed|not a valid)[ _-]{0,2}(\w+[ _-]){0,3}?(api[ _-]?key|token\b|credentials?|authentication|authori[sz]ation|access key|subscription key|bearer|secret|auth\b|x-api-key)(?!s? (limit|count|usage))",
            r"(api[ _-]?key|token|credentials?|access key|secret( key)?|bearer|authori[sz]ation( header)?)\b.{0,60}?(not valid|is invalid|invalid\b|expired|revoked|not found|is missing|missing|is required|required|must be (set|provided)|is incorrect|incorrect|wrong|not (provided|recogni[sz]ed|exist|active)|disabled|deleted|does ?n[o']t exist|malformed|rejected|no longer)",
            r"unauthori[sz]ed|unauthenticated",
            r"authentication (failed|failure|required|error|fails|is required)",
            r"authentication_error|authenticationerror|not authenticated|not logged in",
            r"please (log|sign) ?in|login required|login fail",
            r"no (auth|cookie|api key|key|bearer|authorization)[ \w]{0,20}(found|provided|passed|supplied|given|was|header|credentials)",
            r"user not found|account not found|expected to start with 'sk-'|invalid signature",
            r"signature (does|mis)|could not validate credentials|access denied due to invalid",
            r"令牌|身份验证失败|鉴权|密钥|无效的(密钥|key)|apikey",
        ),
        field="api_key",
        but_not=_rx(
            r"max_\w*tokens|token limit|context length|unsupported parameter|too many tokens",
            r"token.?count|extra_forbidden|extra inputs",
        ),
    ),
    # Prompts that a filter refused: reached with a good key and a known model.
    Rule(
        "filtered",
        _rx(
            r"content[_ -]?(management )?(filter|policy)",
            r"responsible ?ai",
            r"data_?inspection_?failed|datainspection",
            r"content exists risk|risk control|high risk",
            r"(prompt|input|request|content) .{0,40}(flagged|blocked|rejected) (by|due|for|as)",
            r"(inappropriate|sensitive|unsafe|harmful|prohibited) (content|input|prompt|words|information)",
            r"safety (system|filter|settings|policy)",
            r"guardrail",
            r"moderation (block|flag)",
            r"content_policy_violation|prompt_blocked|prohibited_content|敏感",
        ),
    ),
)

_NO_ROUTE = _rx(
    r"unexpected endpoint",
    r"\b(invalid|unknown) (request )?url\b",
    r"unknown_url",
    r"cannot (post|get) /",
    r"no route",
    r"route .{0,80}not found|not found: route|path not found",
    r"no matching (route|operation)|no handler",
    r"404 page not found",
    r"the requested url",
    r"resource not found|resource_not_found",
    r"no static resource",
    r"unknown (path|endpoint|route|operation)|endpoint not found",
    r"no such (endpoint|route|api)|invalid (path|endpoint|route)|api (path )?not found",
    r"method not allowed",
    r"url not found|page not found|not found on this server",
    r"^(not found|404|404 not found|404: not found)?[\s.]*(404)?( not_?found)?$",
    r"missing authentication token$",
)


_ROUTELESS = frozenset({None, 200, 301, 400, 403, 404, 405, 410, 501})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer that proves nothing means, and of which field it speaks."""

    meaning: Meaning
    field: str | None
    by_words: bool


def judge(said: Said, key_sent: bool = True) -> Judgement:
    """What the words mean; the status decides only where they say nothing.

    Takes the words of an answer that was no proof; never raises. `by_words` is False where only the status spoke.
    """
    if said.is_html:
        return _judge_page(said)
    for rule in RULES:
        if rule.fits(said):
            return _refine(rule, said)
    words = said.all.strip()
    if _NO_ROUTE.search(words) and said.status in _ROUTELESS and (words or said.status != 403):
        return Judgement("no_route", "base_url", True)
    return _by_status(said)


def _refine(rule: Rule, said: Said) -> Judgement:
    meaning, on = rule.meaning, rule.field
    if (
        meaning == "quota_exhausted"
        and said.status == 429
        and said.retry_after_s is not None
        and said.retry_after_s <= 120
    ):
        # Gemini words a limit by the minute as a quota and says when it ends; a daily one names no near end.
        meaning = "quota_exhausted" if re.search(r"per.?day|daily|per.?month", said.all) else "rate_limited"
    if meaning == "invalid_credentials" and said.status in (502, 503, 504):
        meaning, on = "model_unavailable", "model_id"
    if meaning == "model_unavailable":
        on = "model_id"
    if meaning == "model_unavailable" and said.status == 404:
        meaning = "model_not_found"
    return Judgement(meaning, on, True)


def _judge_page(said: Said) -> Judgement:
    bots = next(rule for rule in RULES if rule.meaning == "bot_filter")
    tls = next(rule for rule in RULES if rule.meaning == "tls_wanted")
    if tls.fits(said):
        return Judgement("tls_wanted", "base_url", True)
    if bots.fits(said) or said.status in (403, 429):
        return Judgement("bot_filter", "base_url", bots.fits(said))
    if said.status == 401:
        return Judgement("invalid_credentials", "api_key", False)
    if said.status in (502, 503, 504, *range(520, 528)):
        return Judgement("model_unavailable", "model_id", False)
    if said.status is not None and said.status >= 500:
        return Judgement("endpoint_error", "base_url", False)
    if said.status in (404, 405, 410):
        return Judgement("no_route", "base_url", True)
    return Judgement("not_openai_compatible", "base_url", True)


_STATUS: Mapping[int, tuple[Meaning, str]] = {
    401: ("invalid_credentials", "api_key"),
    402: ("quota_exhausted", "api_key"),
    403: ("permission_denied", "api_key"),
    404: ("no_route", "base_url"),
    405: ("no_route", "base_url"),
    407: ("endpoint_error", "base_url"),
    408: ("model_unavailable", "model_id"),
    410: ("no_route", "base_url"),
    425: ("model_unavailable", "model_id"),
    426: ("tls_wanted", "base_url"),
    429: ("rate_limited", "api_key"),
    501: ("no_route", "base_url"),
    502: ("model_unavailable", "model_id"),
    503: ("model_unavailable", "model_id"),
    504: ("model_unavailable", "model_id"),
    529: ("model_unavailable", "model_id"),
}


def _by_status(said: Said) -> Judgement:
    status = said.status or 0
    if status in _STATUS:
        meaning, on = _STATUS[status]
        return Judgement(meaning, on, False)
    if 520 <= status <= 527 or status == 530:
        return Judgement("model_unavailable", "model_id", False)
    if status in (400, 406, 409, 411, 413, 415, 422, 424):
        return Judgement("shape", "base_url", False)
    if 200 <= status < 300 and not said.is_error and said.text:
        return Judgement("not_openai_compatible", "base_url", False)
    return Judgement("endpoint_error", "base_url", False)


WAITS: frozenset[Meaning] = frozenset({"rate_limited", "model_unavailable", "bot_filter"})
"""Meanings of which one look is no verdict: the probe waits and asks again."""

FINAL: frozenset[Meaning] = frozenset(
    {"invalid_credentials", "permission_denied", "quota_exhausted", "model_not_found", "wrong_model_type"}
)
"""Meanings at which the ladder stops at once: about the key, the quota or the model, not the request."""

_LASTING = _rx(
    r"out of memory|\boom\b|requires more|not enough memory|insufficient memory",
    r"litellm\.(auth|perm)",
    r"authenticat|api key|unauthori",
    r"failed to load|error loading|unable to load|could ?n[o']t (be )?load",
)


def worth_waiting(said: Said, judgement: Judgement) -> bool:
    """Whether the same call may succeed a little later (probe.md: 429, 503, 529, loading, overloaded, bot
    filters).
    """
    return judgement.meaning in WAITS and not _LASTING.search(said.all)
