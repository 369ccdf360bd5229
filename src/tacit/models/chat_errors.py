"""Which errors of a chat model's provider are the user's to mend, and what to say of the others."""

from __future__ import annotations

from tacit.base.errors import UserError, unknown

REFUSED_KEY = {401, 403}
NO_SUCH_MODEL = 404
LACKING = "PrerequisiteError"
"""What Inspect raises, under no public name, where a package or a key is missing."""
PROVIDERS = (
    *("anthropic", "azureai", "bedrock", "cloudflare", "deepseek", "fireworks", "google"),
    *("grok", "groq", "hf", "llama-cpp-python", "mistral", "mockllm", "ollama", "openai"),
    *("openai-api", "openai-api-completions", "openrouter", "perplexity", "sagemaker"),
    *("sambanova", "sglang", "together", "vllm", "vllm-completions"),
)
"""What may stand before the first '/' of a name: Inspect's own, those for text."""


def check_installed() -> None:
    """Raise a ``UserError`` where Inspect, which asks the providers, is not installed."""
    try:
        import inspect_ai.model  # noqa: F401
    except ImportError as error:
        raise UserError(
            "a chat model was asked for, and the package that asks it is not installed: "
            f"pip install tacit[chat] ({error})."
        ) from error


def error_of_making(name: str, error: Exception) -> UserError:
    """Return why a model cannot be made: its provider, its package or its key."""
    provider, slash, _ = name.partition("/")
    if not slash:
        return UserError(
            f"chat model {name!r} was asked for; give its provider first, as in openai/{name}."
        )
    if isinstance(error, ValueError) and provider not in PROVIDERS:
        return unknown("provider of chat models", provider, PROVIDERS)
    return UserError(f"{name} cannot be asked: {_plain(error)}")


def error_of_asking(name: str, key_names: list[str], error: Exception) -> UserError | None:
    """Return the mistake that every request would meet; None for an error of one request."""
    if type(_last(error)).__name__ == LACKING:
        return UserError(f"{name} cannot be asked: {_plain(_last(error))}")
    status = status_of(error)
    if status in REFUSED_KEY:
        keys = " or ".join(key_names) or "the provider's key"
        return UserError(f"{name} refuses the key ({status}); check {keys}. {told(error)}")
    if status == NO_SUCH_MODEL:
        return UserError(
            f"{name} was asked for, and its provider has no such model; check the name behind the "
            f"first '/', and the address. {told(error)}"
        )
    return None


def told(error: Exception) -> str:
    """Return what the provider said, in one line, of the last attempt."""
    cause = _last(error)
    # Inspect's own error holds the whole request beside the provider's words.
    said = getattr(cause, "provider_message", None) or cause
    return f"{type(cause).__name__}: {' '.join(str(said).split())}"


def status_of(error: Exception) -> int | None:
    """Return the HTTP status behind an error, by the names that providers' clients use."""
    cause = _last(error)
    for name in ("status_code", "code"):
        status = getattr(cause, name, None)
        if isinstance(status, int):
            return status
    return None


def _last(error: Exception) -> BaseException:
    """Return the error of the last attempt, where retries were given up."""
    from tenacity import RetryError

    if isinstance(error, RetryError):
        return error.last_attempt.exception() or error
    return error


def _plain(error: BaseException) -> str:
    """Return in one line what Inspect says that it lacks, without its marks for the terminal."""
    said = str(error).removeprefix("ERROR: ").replace("ERROR[/bold]: ", "")
    for mark in ("bold", "blue"):
        said = said.replace(f"[{mark}]", "").replace(f"[/{mark}]", "")
    return " ".join(said.split())
