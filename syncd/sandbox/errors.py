"""The errors of the Graph API: each code and subcode with its HTTP status, type and words."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from syncd.sandbox.values import Json

RATE_LIMITING = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
TOO_MANY = "There have been too many calls from this ad-account. Wait a bit and try again."


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error of the Graph API, as its JSON body tells it."""

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    transient: bool | None = None
    """None leaves `is_transient` out: throttles come without it."""
    title: str | None = None
    user_message: str | None = None

    @property
    def name(self) -> str:
        """The code, and the subcode where there is one: 80004, 100/33."""
        return f"{self.code}" if self.subcode is None else f"{self.code}/{self.subcode}"

    def body(self) -> dict[str, Json]:
        """Return the JSON body, with a trace id of its own."""
        error: dict[str, Json] = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.transient is not None:
            error["is_transient"] = self.transient
        if self.title is not None:
            error["error_user_title"] = self.title
        if self.user_message is not None:
            error["error_user_msg"] = self.user_message
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return {"error": error}


class GraphError(Exception):
    """A call that is answered with an error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _image(subcode: int, title: str, words: str) -> Refusal:
    return Refusal(
        100, "Invalid parameter", subcode, transient=False, title=title, user_message=words
    )


def _token(subcode: int | None, words: str) -> Refusal:
    return Refusal(190, f"Error validating access token: {words}", subcode)


_ALL = (
    Refusal(1, "An unknown error occurred", status=500, transient=True),
    Refusal(1, "An unknown error has occurred.", 99, status=500),
    Refusal(
        2,
        "An unexpected error has occurred. Please retry your request later.",
        status=500,
        transient=True,
    ),
    Refusal(3, "(#3) Application does not have the capability to make this API call.", status=403),
    Refusal(4, "(#4) Application request limit reached", status=403, transient=True),
    Refusal(10, "(#10) Application does not have permission for this action", status=403),
    Refusal(
        17,
        "User request limit reached",
        2446079,
        title="Ad Account Has Too Many API Calls",
        user_message=TOO_MANY,
    ),
    Refusal(100, "Invalid parameter"),
    Refusal(
        100,
        "Unsupported get request. Object with ID does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API "
        "documentation at https://developers.facebook.com/docs/graph-api",
        33,
        type="GraphMethodException",
    ),
    _image(
        1487411,
        "Invalid Image File Type",
        "The file type is not supported. Use an image, and a file name with its extension.",
    ),
    _image(1487197, "Image Processing Failed", "The image could not be processed."),
    _image(1487242, "Invalid Image Data", "The bytes are no Base64 of an image."),
    _image(2490361, "Invalid File", "The file is not valid."),
    Refusal(102, "Session key invalid or no longer valid"),
    _token(None, "Invalid OAuth 2.0 Access Token"),
    *(
        _token(subcode, words)
        for subcode, words in (
            (458, "The user has not authorized the application."),
            (459, "The user has been checkpointed."),
            (460, "The session has been invalidated because the user changed the password."),
            (463, "Session has expired."),
            (464, "The user is not a confirmed user."),
            (467, "The session is invalid."),
            (492, "The session is invalid for this page."),
            (493, "The login session has expired."),
        )
    ),
    Refusal(200, "(#200) Permissions error", status=403),
    Refusal(
        294,
        "(#294) Managing advertisements requires an access token with the extended "
        "permission for ads_management",
        status=403,
    ),
    Refusal(368, "The action attempted has been deemed abusive or is otherwise disallowed"),
    Refusal(
        368, "The action attempted has been deemed abusive or is otherwise disallowed", 1404078
    ),
    Refusal(
        368, "The action attempted has been deemed abusive or is otherwise disallowed", 2859015
    ),
    Refusal(415, "Two factor authentication required"),
    Refusal(613, "(#613) Calls to this api have exceeded the rate limit."),
    Refusal(
        613,
        "(#613) Calls to this api have exceeded the rate limit.",
        1487742,
        title="Ad Account Has Too Many API Calls",
        user_message=TOO_MANY,
    ),
    Refusal(613, "(#613) Calls to this api have exceeded the rate limit.", 5044001),
    Refusal(803, "(#803) Some of the aliases you requested do not exist"),
    Refusal(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. Please update to "
        "the latest version.",
    ),
    *(
        Refusal(
            code,
            f"(#{code}) There have been too many calls to this ad-account. Wait a bit "
            f"and try again. For more info, please refer to {RATE_LIMITING}#ads-management.",
            2446079,
            title="Ad Account Has Too Many API Calls",
            user_message=TOO_MANY,
        )
        for code in range(80000, 80015)
    ),
)

_SHORT = {
    refusal.name.split("/")[1]: refusal
    for refusal in _ALL
    if refusal.code == 100 and refusal.subcode is not None and refusal.subcode > 100
}
CATALOGUE = (
    {str(refusal.code): refusal for refusal in reversed(_ALL)}
    | _SHORT
    | {refusal.name: refusal for refusal in _ALL}
)
"""Every error by its name: `100/1487411`, for images also `1487411`, and a bare code."""


def label(refusal: Refusal) -> str:
    """Return the shortest name in the catalogue: 80004, but 613/1487742 beside 613."""
    short = CATALOGUE.get(str(refusal.code))
    same = short is not None and short.subcode == refusal.subcode
    return str(refusal.code) if same else refusal.name


def names() -> list[str]:
    """Return the shortest name of every error, in the order of the codes."""
    return [label(refusal) for refusal in _ALL]


def refused(name: str, message: str | None = None) -> GraphError:
    """Return the error of this name, to raise; a message replaces the catalogue's words."""
    refusal = CATALOGUE[name]
    return GraphError(refusal if message is None else replace(refusal, message=message))


def no_such_object(verb: str, name: str) -> GraphError:
    """Return what the Graph API says to an object or an edge that is not there."""
    unknown = CATALOGUE["100/33"]
    words = unknown.message.replace("get", verb, 1).replace("with ID", f"with ID '{name}'")
    return GraphError(replace(unknown, message=words))


def nonexisting_field(name: str, node: str) -> GraphError:
    """Return the error for a field that this node has not."""
    return refused(
        "100", f"(#100) Tried accessing nonexisting field ({name}) on node type ({node})"
    )
