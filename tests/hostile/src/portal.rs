//! Deposits of the portals, and the same bytes from strangers.

use market::{Address, Amount, Asset, Effect, Market, U256};
use scenarios::NOW;
use wire::{Genesis, Input, InputRefused, encode_erc20_deposit, encode_ether_deposit};

use crate::{
    advance::{assert_same, check_answer, message},
    books::Books,
    script::Script,
    world::{self, ACCOUNTS},
};

/// Sends the same bytes as each portal and as a stranger.
///
/// - From a portal they are credited exactly as stated, whatever the command attached, or returned
///   at once; too few bytes are refused.
/// - Decoding and encoding gives the same bytes.
/// - From a stranger they credit nobody.
///
/// - Panics: if one of these does not hold
pub fn portal(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let twice = script.byte() & 1 == 1;
    let payload = script.rest();
    let Genesis { ether_portal, erc20_portal, .. } = world::genesis();
    for portal in [ether_portal, erc20_portal] {
        let (mut app, _) = world::app(true);
        let mut books = Books::default();
        for _ in 0..1 + u8::from(twice) {
            let before = app.market().clone();
            let answer = app.advance(&message(portal, payload.to_vec()));
            check_answer(&answer);
            match deposit(portal == ether_portal, payload) {
                Some((account, asset, amount)) => {
                    check_read(portal, payload, account, asset, amount);
                    check_credit(before, account, asset, amount);
                    books.deposited(asset, amount);
                }
                None => {
                    assert_eq!(answer.reports.len(), 1, "a deposit that ends early is reported");
                    assert_same(app.market(), &before);
                }
            }
            books.left(&answer.outputs, Genesis::default().registry);
            books.check(app.market());
        }
    }
    let (mut app, _) = world::app(true);
    let answer = app.advance(&message(ACCOUNTS[0], payload.to_vec()));
    check_answer(&answer);
    assert_eq!(app.market().ledger().solvency().count(), 0, "a stranger's word made money");
}

/// A deposit in the layout that the portals' documentation gives: account, asset, amount.
fn deposit(is_ether: bool, payload: &[u8]) -> Option<(Address, Asset, Amount)> {
    let address = |at: usize| {
        let bytes = payload.get(at..at + 20)?;
        Some(Address(bytes.try_into().expect("twenty bytes")))
    };
    let amount = |at: usize| Some(Amount(U256::from_big_endian(payload.get(at..at + 32)?)));
    if is_ether {
        Some((address(0)?, Asset::Ether, amount(20)?))
    } else {
        Some((address(20)?, Asset::Erc20(address(0)?), amount(40)?))
    }
}

fn check_read(portal: Address, payload: &[u8], account: Address, asset: Asset, amount: Amount) {
    let genesis = world::genesis();
    let read: Result<_, InputRefused> =
        Input::read(&genesis, crate::advance::context(portal, NOW), payload);
    let read = read.expect("it is long enough");
    let credit = read.credit.expect("it is a portal's");
    assert_eq!((read.context.sender, credit.asset, credit.amount), (account, asset, amount));
    let command = read.command.unwrap_or_default();
    let written = match asset {
        Asset::Ether => encode_ether_deposit(account, amount, command),
        Asset::Erc20(token) => encode_erc20_deposit(token, account, amount, command),
    };
    assert!(written == payload, "a deposit has one encoding");
}

/// Checks that the amount is kept, or returned at once.
fn check_credit(mut market: Market, account: Address, asset: Asset, amount: Amount) {
    let free = market.ledger().free(account, asset);
    let effects = market.deposit(account, asset, amount);
    let returned = Effect::Pay { to: account, asset, amount };
    let is_kept = free.checked_add(amount) == Some(market.ledger().free(account, asset));
    assert!(is_kept != effects.contains(&returned), "{asset}: {amount}");
}
