//! Payroll tax returns and pension declarations: what people do with them, and
//! what an application does that makes or sends their messages itself.

use super::{Handled, Route, Shape, schema, single};
use crate::api::call::{Call, invalid};
use crate::api::reply::{ApiError, Reply};
use crate::bindings::koppel::loket::payroll_tax_returns::{
    PayrollTaxReturn, PayrollTaxReturnPage, ResponseMessage as TaxResponse,
};
use crate::bindings::koppel::loket::types::{ActivityError, DeclarationRequest};
use crate::bindings::koppel::loket::upa_pension_declarations::{
    ResponseMessage as UpaResponse, UpaPensionDeclaration, UpaPensionDeclarationPage,
};
use crate::catalogue::{Activity, id};
use crate::desk::Desk;
use crate::ledger::{Entry, Kind};
use crate::platform::DeclarationKind;
use crate::wire::declarations::{Action, Change, ChangeOf, Initiate, Message, Nothing};
use crate::wire::shared::Id;
use crate::wire::{payroll_tax_returns as tax, upa_pension_declarations as upa};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// The most declarations that are changed in one request.
const CHANGES: usize = 100;

/// The largest body that holds a file of 10 MiB in base64.
const FILE_BODY_BYTES: usize = 16 << 20;

const TAX: DeclarationKind = DeclarationKind::PayrollTaxReturn;
const UPA: DeclarationKind = DeclarationKind::UpaPensionDeclaration;

/// The routes of both kinds.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::paged::<PayrollTaxReturnPage, tax::PayrollTaxReturn>(
            id::GetPayrollTaxReturnsByPayrollAdministrationId,
        ),
        Route::single::<PayrollTaxReturn, tax::PayrollTaxReturn>(
            id::GetPayrollTaxReturnByPayrollTaxReturnId,
        ),
        message(id::GetMessageByPayrollTaxReturnId),
        initiate::<PayrollTaxReturn, tax::PayrollTaxReturn>(
            id::PostInitiatePayrollTaxReturnByPayrollAdministrationId,
        ),
        Route {
            body: Some(schema::<Message>),
            body_bytes: FILE_BODY_BYTES,
            ..Route::new(
                id::PutMessageByPayrollTaxReturnId,
                Shape::Single(schema::<tax::PayrollTaxReturn>),
                |call| Box::pin(store(call, TAX)),
            )
        },
        Route {
            body: Some(schema::<Vec<ChangeOf>>),
            ..Route::new(
                id::PatchPayrollTaxReturnsByPayrollTaxReturnIds,
                Shape::Single(schema::<Nothing>),
                change_payroll_tax_returns,
            )
        },
        Route {
            body: Some(schema::<tax::Response>),
            ..respond::<tax::PayrollTaxReturn>(
                id::PostSendResponseMessageByPayrollTaxReturnId,
                add_tax_response,
            )
        },
        Route::paged::<UpaPensionDeclarationPage, upa::UpaPensionDeclaration>(
            id::GetUpaPensionDeclarationsByPayrollAdministrationId,
        ),
        Route::single::<UpaPensionDeclaration, upa::UpaPensionDeclaration>(
            id::GetUpaPensionDeclarationByUpaPensionDeclarationId,
        ),
        message(id::GetMessageByUpaPensionDeclarationId),
        initiate::<UpaPensionDeclaration, upa::UpaPensionDeclaration>(
            id::PostInitiateUpaPensionDeclarationByPayrollAdministrationId,
        ),
        Route {
            body: Some(schema::<Message>),
            body_bytes: FILE_BODY_BYTES,
            ..Route::new(
                id::PutMessageByUpaPensionDeclarationId,
                Shape::Single(schema::<upa::UpaPensionDeclaration>),
                |call| Box::pin(store(call, UPA)),
            )
        },
        Route {
            body: Some(schema::<Change>),
            ..Route::new(
                id::PatchUpaPensionDeclarationByUpaPensionDeclarationId,
                Shape::Single(schema::<Nothing>),
                change_upa_pension_declaration,
            )
        },
        Route {
            body: Some(schema::<upa::Response>),
            ..respond::<upa::UpaPensionDeclaration>(
                id::PostSendResponseMessageByUpaPensionDeclarationId,
                add_upa_response,
            )
        },
    ]
}

fn message(activity: Activity) -> Route {
    Route::new(activity, Shape::Xml, |call| {
        Box::pin(async move {
            let message: Vec<u8> = call.perform(Ok((call.id.clone(),))).await?;
            Ok(Reply::Xml(message.into()))
        })
    })
}

fn initiate<R, W>(activity: Activity) -> Route
where
    R: Clone + Send + Sync + 'static,
    W: From<R> + Serialize + JsonSchema,
{
    Route {
        body: Some(schema::<Initiate>),
        success: 202,
        ..Route::new(activity, Shape::Single(schema::<W>), |call| {
            Box::pin(async move {
                let request = call
                    .json::<Initiate>()
                    .and_then(DeclarationRequest::try_from);
                let arguments = request.map(|request| (call.id.clone(), request));
                let record: R = call.perform(arguments).await?;
                single(&call, W::from(record))
            })
        })
    }
}

fn respond<W: JsonSchema>(activity: Activity, handler: fn(Call) -> Handled) -> Route {
    Route {
        body_bytes: FILE_BODY_BYTES,
        success: 202,
        ..Route::new(activity, Shape::Single(schema::<W>), handler)
    }
}

fn add_tax_response(call: Call) -> Handled {
    Box::pin(async move {
        let body = call.json::<tax::Response>();
        let arguments = body.and_then(|body| {
            let response = body.response_message;
            if response.reference.is_none() {
                return Err(invalid("responseMessage.reference", "is missing"));
            }
            let file = body.response_message_file.0;
            Ok((call.id.clone(), response.into_record(1), file))
        });
        let of: PayrollTaxReturn = call
            .perform::<(String, TaxResponse, Vec<u8>), _>(arguments)
            .await?;
        single(&call, tax::PayrollTaxReturn::from(of))
    })
}

fn add_upa_response(call: Call) -> Handled {
    Box::pin(async move {
        let body = call.json::<upa::Response>();
        let arguments = body.and_then(|body| {
            if body
                .response_messages
                .iter()
                .any(|line| line.reference.is_none())
            {
                return Err(invalid("responseMessages", "need a reference"));
            }
            let mut messages = upa::nest(body.response_messages);
            match (messages.pop(), messages.is_empty()) {
                (Some(response), true) => {
                    let file = body.response_message_file.0;
                    Ok((call.id.clone(), response, file))
                }
                _ => Err(invalid("responseMessages", "must be those of one message")),
            }
        });
        let of: UpaPensionDeclaration = call
            .perform::<(String, UpaResponse, Vec<u8>), _>(arguments)
            .await?;
        single(&call, upa::UpaPensionDeclaration::from(of))
    })
}

/// Changes them in the order in which they are given; the first that cannot be
/// changed ends it. Nothing is changed when one of them may not be.
fn change_payroll_tax_returns(call: Call) -> Handled {
    Box::pin(async move {
        let changes = match changes(&call) {
            Ok(changes) => changes,
            Err(malformed) => {
                call.ask().await?;
                return Err(malformed.into());
            }
        };
        let mut allowed = Vec::new();
        for (of, action) in changes {
            let session = call.session(Ok(Some(TAX.entity(of)))).await?;
            allowed.push((Desk::new(session), of, action));
        }
        for (desk, of, action) in allowed {
            act(&desk, TAX, of, action).await?;
        }
        single(&call, Nothing {})
    })
}

fn changes(call: &Call) -> Result<Vec<(Uuid, Action)>, ActivityError> {
    call.query()?;
    let changes: Vec<ChangeOf> = call.array()?;
    if !(1..=CHANGES).contains(&changes.len()) {
        let problem = format!("must be 1 to {CHANGES} changes, not {}", changes.len());
        return Err(invalid(".", &problem));
    }
    let change = |ChangeOf { id, action }: ChangeOf| {
        let Id(id) = id;
        crate::activities::id("id", &id).map(|id| (id, action))
    };
    changes.into_iter().map(change).collect()
}

fn change_upa_pension_declaration(call: Call) -> Handled {
    Box::pin(async move {
        let asked = call.uuid("upaPensionDeclarationId");
        let asked = asked.and_then(|of| call.json::<Change>().map(|change| (of, change.action)));
        let entity = asked.clone().map(|(of, _)| Some(UPA.entity(of)));
        let session = call.session(entity).await?;
        let (of, action) = asked?;
        act(&Desk::new(session), UPA, of, action).await?;
        single(&call, Nothing {})
    })
}

async fn act(desk: &Desk, kind: DeclarationKind, of: Uuid, action: Action) -> Result<(), ApiError> {
    match action {
        Action::Confirm => desk.confirm(kind, of).await?,
        Action::Cancel => desk.cancel(kind, of).await?,
    };
    Ok(())
}

/// Stores a message that the application made.
async fn store(call: Call, kind: DeclarationKind) -> Result<Reply, ApiError> {
    let name = match kind {
        DeclarationKind::PayrollTaxReturn => "payrolltaxreturnId",
        DeclarationKind::UpaPensionDeclaration => "upaPensionDeclarationId",
    };
    let asked = call.uuid(name).and_then(|of| {
        let Message {
            message_reference,
            message_file,
        } = call.json()?;
        let (reference, file) = (message_reference, message_file.0);
        crate::runs::check_message(&reference, &file).map_err(|why| invalid(".", &why))?;
        Ok((of, reference, file))
    });
    let entity = match &asked {
        Ok((of, _, _)) => Ok(Some(kind.entity(*of))),
        Err(malformed) => Err(malformed.clone()),
    };
    let session = call.session(entity).await?;
    let (of, reference, file) = asked?;
    let what = format!(
        "store message {reference} of {} {of}, {} bytes",
        kind.noun(),
        file.len()
    );
    session
        .record(Entry {
            activity: Some(call.activity.id().to_owned()),
            ..Entry::new(session.context(), Kind::ActivityWrite, what)
        })
        .await?;
    let platform = call.api.host.platform();
    platform.store_message(of, &reference, &file).await?;
    match kind {
        DeclarationKind::PayrollTaxReturn => {
            let of = platform.payroll_tax_return(of).await?;
            single(&call, tax::PayrollTaxReturn::from(Arc::unwrap_or_clone(of)))
        }
        DeclarationKind::UpaPensionDeclaration => {
            let of = platform.upa_pension_declaration(of).await?;
            single(
                &call,
                upa::UpaPensionDeclaration::from(Arc::unwrap_or_clone(of)),
            )
        }
    }
}
