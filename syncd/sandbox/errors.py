"""The errors of the Graph API: each code and subcode with its HTTP status, type and message."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from syncd.sandbox.values import Json

RATE_LIMITING = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
TOO_MANY = "There have been too many calls from this ad-account. Wait a bit and try again."


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error of the Graph API, as in its JSON body."""

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    transient: bool | None = None
    """None leaves `is_transient` out, as throttles do."""
    title: str | None = None
    user_message: str | None = None

    @property
    def name(self) -> str:
        """The code, and the subcode where there is one: 80004, 100/33."""
        return f"{self.code}" if self.subcode is None else f"{self.code}/{self.subcode}"

    def body(self) -> dict[str, Json]:
        """Return the JSON body, with a new trace id."""
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


class CallError(Exception):
    """A call that ends in an error of the API."""

    def __init__(self, api_error: ApiError) -> None:
        super().__init__(api_error.message)
        self.api_error = api_error


def _image(subcode: int, title: str, words: str) -> ApiError:
    return ApiError(
        100, "Invalid parameter", subcode, transient=False, title=title, user_message=words
    )


def _token(subcode: int | None, words: str) -> ApiError:
    return ApiError(190, f"Error validating access token: {words}", subcode)


_ALL = (
    ApiError(1, "An unknown error occurred", status=500, transient=True),
    ApiError(1, "An unknown error has occurred.", 99, status=500),
    ApiError(
        2,
        "An unexpected error has occurred. Please retry your request later.",
        status=500,
        transient=True,
    ),
    ApiError(3, "(#3) Application does not have the capability to make this API call.", status=403),
    ApiError(4, "(#4) Application request limit reached", status=403, transient=True),
    ApiError(5, "(#5) Unauthorized source IP address"),
    ApiError(10, "(#10) Application does not have permission for this action", status=403),
    ApiError(
        17,
        "User request limit reached",
        2446079,
        title="Ad Account Has Too Many API Calls",
        user_message=TOO_MANY,
    ),
    ApiError(100, "Invalid parameter"),
    ApiError(
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
    _image(1487242, "Invalid Image Data", "The bytes are not the Base64 of an image."),
    _image(2490361, "Invalid File", "The file is not valid."),
    ApiError(101, "Error validating application. Invalid application ID."),
    ApiError(102, "Session key invalid or no longer valid"),
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
    ApiError(200, "(#200) Permissions error", status=403),
    ApiError(274, "(#274) The feature is not enabled for this application", status=403),
    ApiError(
        294,
        "(#294) Managing advertisements requires an access token with the extended "
        "permission for ads_management",
        status=403,
    ),
    ApiError(341, "(#341) Application limit reached"),
    ApiError(368, "The action attempted has been deemed abusive or is otherwise disallowed"),
    ApiError(
        368, "The action attempted has been deemed abusive or is otherwise disallowed", 1404078
    ),
    ApiError(
        368, "The action attempted has been deemed abusive or is otherwise disallowed", 2859015
    ),
    ApiError(415, "Two factor authentication required"),
    ApiError(2642, "(#2642) Invalid cursor values"),
    ApiError(613, "(#613) Calls to this api have exceeded the rate limit."),
    ApiError(
        613,
        "(#613) Calls to this api have exceeded the rate limit.",
        1487742,
        title="Ad Account Has Too Many API Calls",
        user_message=TOO_MANY,
    ),
    ApiError(613, "(#613) Calls to this api have exceeded the rate limit.", 5044001),
    ApiError(803, "(#803) Some of the aliases you requested do not exist"),
    ApiError(2500, "Unknown path components: /adimages"),
    ApiError(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. Please update to "
        "the latest version.",
    ),
    *(
        ApiError(
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
    api_error.name.split("/")[1]: api_error
    for api_error in _ALL
    if api_error.code == 100 and api_error.subcode is not None and api_error.subcode > 100
}
CATALOGUE = (
    {str(api_error.code): api_error for api_error in reversed(_ALL)}
    | _SHORT
    | {api_error.name: api_error for api_error in _ALL}
)
"""Each error by its names: `100/1487411`, `1487411` for errors of images, or a code alone."""


def label(api_error: ApiError) -> str:
    """Return the shortest unique name: 80004, but 613/1487742 because 613 is another error."""
    short = CATALOGUE.get(str(api_error.code))
    same = short is not None and short.subcode == api_error.subcode
    return str(api_error.code) if same else api_error.name


def names() -> list[str]:
    """Return the shortest name of every error, in the order of the codes."""
    return [label(api_error) for api_error in _ALL]


def call_error(name: str, message: str | None = None) -> CallError:
    """Return an exception for the error with this name; `message` replaces the catalogue's."""
    api_error = CATALOGUE[name]
    return CallError(api_error if message is None else replace(api_error, message=message))


def no_such_object(verb: str, name: str) -> CallError:
    """Return the exception for an object or edge that does not exist."""
    unknown = CATALOGUE["100/33"]
    message = unknown.message.replace("get", verb, 1).replace("with ID", f"with ID '{name}'")
    return CallError(replace(unknown, message=message))


def nonexisting_field(name: str, node: str) -> CallError:
    """Return the exception for a field that a node does not have."""
    return call_error(
        "100", f"(#100) Tried accessing nonexisting field ({name}) on node type ({node})"
    )
