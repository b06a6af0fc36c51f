//! Requests as `BatchCommands` carries them: where they go, and whether the region took them.

pub(super) use fake_tikv::proto::tikvpb::batch_commands_request::request::Cmd as Command;
pub(super) use fake_tikv::proto::tikvpb::batch_commands_response::response::Cmd as Answer;
use fake_tikv::proto::{errorpb, kvrpcpb};

macro_rules! commands {
    ($($command:ident),*) => {
        /// The request with its address: the region, its epoch, the peer.
        pub(super) fn addressed(command: &Command, context: kvrpcpb::Context) -> Command {
            let mut command = command.clone();
            match &mut command {
                $(Command::$command(request) => request.context = Some(context),)*
                _ => {}
            }
            command
        }

        /// Why the region did not take the request, if it did not.
        pub(super) fn region_error(answer: &Answer) -> Option<&errorpb::Error> {
            match answer {
                $(Answer::$command(answer) => answer.region_error.as_ref(),)*
                _ => None,
            }
        }
    };
}

commands!(RawGet, RawPut, Get, Prewrite, Commit, BatchRollback, CheckTxnStatus, ResolveLock);
