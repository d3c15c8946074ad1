//! x
use crate::suite::Stop;
use crate::workspace::Workspace;
pub(crate) fn smoke(_workspace: &Workspace) -> Result<(), Stop> {
    Ok(())
}
