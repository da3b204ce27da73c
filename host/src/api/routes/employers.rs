//! The employers that a user may work for. A component sees the one of its
//! run; an application sees all of them.

use super::{Handled, Route, Shape, page, schema};
use crate::api::call::Call;
use crate::catalogue::id;
use crate::wire::employers::Employer;

pub(super) fn of_the_user() -> Route {
    Route::new(
        id::GetEmployersByUserId,
        Shape::Paged(schema::<Employer>),
        list,
    )
}

fn list(call: Call) -> Handled {
    Box::pin(async move {
        let among = call.among().await?;
        let wanted = call.wanted()?;
        let platform = call.api.host.platform();
        let (employers, total) = wanted
            .get(async |page| Ok(platform.employers(&among, &page).await?))
            .await?;
        let employers: Vec<Employer> = employers.into_iter().map(Employer::from).collect();
        page(&call, employers, wanted, total)
    })
}
