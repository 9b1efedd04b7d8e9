//! The market's inputs and outputs as bytes: ABI calldata and notices, vouchers, JSON reports,
//! inspect answers and settings. No I/O; ethabi is not exposed.
//!
//! Inbound: [`Input::read`] splits an input into a portal's credit and a command's calldata,
//! [`decode_command`] decodes that into a command or a refusal. Outbound: [`output`] turns an
//! effect into a voucher or notice, [`answer`] answers an inspect query. All of these can also be
//! decoded here, into the same types, by clients outside the machine; for them are also the calls
//! that bring an input to Ethereum, and [`Advance`], the input as Ethereum records it.

mod abi;
mod advance;
mod calls;
mod command;
mod decimal;
mod deposit;
mod forms;
mod genesis;
mod notice;
mod output;
mod query;
mod refused;
mod view;

pub use abi::prepare;
pub use advance::Advance;
pub use blobs::Text;
pub use calls::{encode_add_input, encode_approve, encode_deposit_ether, encode_deposit_tokens};
pub use command::{MAX_CHUNK_BYTES, decode_command, encode_command, job_name, publishing};
pub use decimal::decimal;
pub use deposit::{Credit, Input, encode_erc20_deposit, encode_ether_deposit};
pub use genesis::{Genesis, GenesisRefused};
pub use notice::{Notice, Ruling, decode_notice, encode_notice};
pub use output::{Output, output, registry_address};
pub use query::{JobKey, JobList, Paging, Query, answer};
pub use refused::{InputRefused, Selector};
pub use view::*;
