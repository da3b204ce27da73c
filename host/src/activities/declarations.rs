//! What the activities of both kinds of declaration have in common.

use super::{Call, id, invalid};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest, DeclarationStatus};
use crate::catalogue::Activity;
use crate::platform::{Claim, DeclarationKind};
use crate::session::Fault;
use uuid::Uuid;

/// For how long a declaration is claimed to mark it as sent, in milliseconds.
const MARKING: u64 = 10_000;

/// The longest reference of a response message, in bytes.
const REFERENCE_BYTES: usize = 200;

/// The longest text in a response message, in bytes.
const TEXT_BYTES: usize = 4_000;

/// The most lines of a response message.
const LINES: usize = 100_000;

/// The largest file of a response message, in bytes.
const FILE_BYTES: usize = 10 << 20;

/// What is asked for, in words for the ledger; refuses what is no identifier.
pub(super) fn request(request: &DeclarationRequest) -> Result<String, ActivityError> {
    match request {
        DeclarationRequest::Period(period) => Ok(format!(
            "period {} of {}",
            period.period_number, period.year
        )),
        DeclarationRequest::CorrectionOf(of) => {
            Ok(format!("correction of {}", id("correctionOf", of)?))
        }
    }
}

/// Refuses a response message that is malformed or too large.
pub(super) fn response<'a>(
    reference: &str,
    time: &str,
    texts: impl ExactSizeIterator<Item = &'a str>,
    file: &[u8],
) -> Result<(), ActivityError> {
    let clean = !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_graphic());
    if !clean || reference.len() > REFERENCE_BYTES {
        return Err(invalid(
            "reference",
            format!("must be 1 to {REFERENCE_BYTES} visible ASCII characters"),
        ));
    }
    if time.parse::<jiff::Timestamp>().is_err() {
        return Err(invalid(
            "dateOfReceipt",
            "must be a moment such as 2026-01-31T09:30:00Z".to_owned(),
        ));
    }
    if texts.len() > LINES {
        return Err(invalid(
            "lines",
            format!("are {}; at most {LINES}", texts.len()),
        ));
    }
    for text in texts {
        if text.len() > TEXT_BYTES {
            return Err(invalid(
                "description",
                format!("is {} bytes; at most {TEXT_BYTES}", text.len()),
            ));
        }
    }
    if file.len() > FILE_BYTES {
        return Err(invalid(
            "responseMessageFile",
            format!("is {} bytes; at most {FILE_BYTES}", file.len()),
        ));
    }
    Ok(())
}

/// Marks a confirmed declaration as sent when an application has a response
/// message to it: then the application sent it itself, as some do that work on
/// this platform. A connector sends through this host only, and its word is
/// not taken for it.
pub(super) async fn sent_elsewhere(
    call: &Call,
    activity: Activity,
    kind: DeclarationKind,
    of: Uuid,
    reference: &str,
) -> Result<(), Fault> {
    let (session, platform) = (&call.session, call.platform());
    let application = session
        .live
        .with(|config| config.applications.contains_key(&session.client));
    if !application {
        return Ok(());
    }
    let status = match kind {
        DeclarationKind::PayrollTaxReturn => platform.payroll_tax_return(of).await?.status,
        DeclarationKind::UpaPensionDeclaration => {
            platform.upa_pension_declaration(of).await?.status
        }
    };
    if status != DeclarationStatus::Confirmed {
        return Ok(());
    }
    let claim = Claim {
        run: session.run,
        milliseconds: MARKING,
    };
    let frozen = platform.claim_declaration(of, claim).await?;
    let what = format!(
        "{} {of} was sent by the application: it has response message {reference}",
        kind.noun()
    );
    let marked = match call.record_write(activity, what).await {
        Ok(()) => {
            let marked = platform.mark_declaration_sent(of, session.run, reference);
            marked.await.map_err(Fault::from)
        }
        Err(unrecorded) => Err(unrecorded),
    };
    if let Err(fault) = marked {
        platform
            .release_declaration(of, session.run, frozen.left)
            .await?;
        return Err(fault);
    }
    Ok(())
}
