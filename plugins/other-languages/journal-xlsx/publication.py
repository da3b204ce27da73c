"""Making an export file."""

from componentize_py_types import Err
from wit_world.imports import exports as files
from wit_world.imports import koppel_connector_types as connector
from wit_world.imports import log

# How many bytes of the file are passed to the host at a time.
CHUNK = 1 << 20


def publish(name: str, content: bytes) -> None:
    """Makes an export file, which appears whole or not at all.

    A file of this name is of this journal run, exported before it could be
    marked as processed: it is left as it is.
    """
    try:
        with files.create(name) as file:
            for start in range(0, len(content), CHUNK):
                file.write(content[start : start + CHUNK])
            receipt = file.finish()
    except Err as error:
        if not isinstance(error.value, files.ExportError_AlreadyExists):
            raise Err(of_connector(error.value)) from error
        log.write(
            log.Level.WARN,
            f"{name} was exported before; it is left as it is, and the journal run is marked as processed",
        )
    else:
        log.write(
            log.Level.INFO,
            f"{name}: {receipt.size} bytes, SHA-256 {receipt.sha256}",
        )


def of_connector(error: files.ExportError) -> connector.ConnectorError:
    """The error of an export file, but for `already-exists`, as one of a connector."""
    match error:
        case files.ExportError_Denied(denial):
            return connector.ConnectorError_Denied(denial)
        case files.ExportError_QuotaExceeded(quota):
            return connector.ConnectorError_Refused(
                f"the quota of {quota} bytes for export files is used up"
            )
        case files.ExportError_InvalidName(text) | files.ExportError_Other(text):
            return connector.ConnectorError_Other(f"export file: {text}")
