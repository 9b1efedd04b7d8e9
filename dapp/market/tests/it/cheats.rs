//! Attacks by a hostile stranger, by name: each is played, the attacker gains nothing, and nobody
//! else loses anything.

use market::{Amount, Asset, JobId, Stage as JobStage};

use crate::{script::Stage, world::SINK};

/// Blobs, balances, and the attacker's balance.
const USUAL: &str = "usual\nmallory deposits 3000 ether";
/// An instruction and a byte cost one unit each.
const PRICED: &str = "settings work=1000000000 place_bond=1 operator_ppm=200000";

/// A stage with these settings, and the usual blobs and balances.
fn stage(settings: &str) -> Stage {
    let mut stage = Stage::new();
    stage.play(&format!("{settings}\n{USUAL}"));
    stage
}

/// Total gain of these accounts, negative for a loss.
fn earned(stage: &Stage, accounts: &[&str]) -> i128 {
    accounts.iter().map(|account| stage.earned(account)).sum()
}

/// Amount lost to the sink.
fn sunk(stage: &Stage) -> Amount {
    stage.market().ledger().free(SINK, Asset::Ether)
}

/// Closes a sealed job and reveals everything in it.
fn reveal(stage: &mut Stage, job: &str, close: u64, sponsor: &str, entrants: &[(&str, &str)]) {
    stage.play(&format!("at {close}\nzoe settles {job}\n{sponsor} reveals hidden to {job}"));
    for (who, model) in entrants {
        stage.play(&format!("{who} reveals {model} to {job}"));
    }
    stage.play(&format!("at {}\nzoe settles {job}", close + 100));
}

/// Continues an evaluation until there is nothing left to do; returns the number of inputs.
fn carry_on(stage: &mut Stage, who: &str, what: &str) -> u32 {
    let mut inputs = 0;
    while !stage.line(&format!("{who} evaluates {what}")).unwrap()[0].starts_with("refused") {
        inputs += 1;
        assert!(inputs < 1_000, "{what} has no end");
    }
    inputs
}

#[test]
fn rob_standing_miners() {
    let mut stage = stage("settings mining=10");
    let trap = "mallory opens trap sealed prize=1 seats=1 bond=1000 pool=0 buy_in=0 places=1";
    // A window must fit a block, and the work in it.
    stage.refused(&format!("{trap} attest=1"), "WindowOutOfRange seconds=1 shortest=1");
    stage.refused(&format!("{trap} attest=99"), "WindowOutOfRange seconds=99 shortest=1");
    // Nobody enlists for unknown jobs: miners who do not name this one are not part of it.
    stage.play(&format!("{trap} attest=200\nmallory supplies trap\nmax enlists for trap"));
    stage.play("mole deposits 2000 ether\nmole enters trap with top");
    reveal(&mut stage, "trap", 2_000, "mallory", &[("mole", "top")]);
    // A miner who named it and does nothing loses the bond, but not to those who set the trap.
    stage.play("at 2500\nzoe settles trap\nzoe evaluates trap/0\nzoe settles trap");
    assert_eq!(earned(&stage, &["mallory", "mole"]), 0);
    assert_eq!(earned(&stage, &["mia", "moe", "mel"]), 0);
    assert_eq!((stage.earned("max"), sunk(&stage)), (-1_000, Amount::new(1_000)));
}

#[test]
fn fill_the_memory() {
    let mut stage = stage("settings max_balances=20 minimum=5");
    let records = stage.market().ledger().balance_count();
    for token in 0..2_000 {
        stage.play(&format!("mallory deposits {} stone{token}", token + 1));
        stage.play(&format!("sock{token} deposits 4 ether"));
    }
    assert_eq!(stage.market().ledger().balance_count(), records, "no record is left");
    assert_eq!(stage.market().ledger().solvency().count(), 1, "of no asset either");
    for sock in 0..100 {
        stage.play(&format!("sock{sock} deposits 5 ether"));
    }
    assert_eq!(stage.market().ledger().balance_count(), 20, "records are bounded");
    assert_eq!(earned(&stage, &["mallory", "sock0", "sock99"]), 0, "it all went straight back");
    // An account with a record can use its balance; one without is paid by voucher.
    stage.play("anne opens bounty\nanne supplies bounty\nbob enters bounty with good");
    assert_eq!(stage.earned("bob"), 10);
}

#[test]
fn fill_the_store() {
    let mut stage = stage("settings max_stored_bytes=60000 rent=86400000");
    stage.play("mallory deposits 9000000000 ether\nanne deposits 1000000 ether");
    stage.play("anne opens cup sealed prize=100 places=2\nanne supplies cup");
    let rent = stage.earned("anne") + 126;
    let big = "places=4 max_model_bytes=3000";
    stage.play(&format!("mallory opens a {big}\nmallory opens b {big} rewards=1"));
    stage.refused(&format!("mallory opens c {big}"), "StoreFull");
    // No participant of a job meets a full store, neither when delivering nor at the reveal.
    stage.play("bob enters cup with top\ncarol enters cup with fair");
    reveal(&mut stage, "cup", 2_000, "anne", &[("bob", "top"), ("carol", "fair")]);
    stage.play("zoe evaluates cup/0\nzoe evaluates cup/1\nzoe settles cup");
    assert_eq!(earned(&stage, &["bob"]), 100);
    assert_eq!(earned(&stage, &["carol"]), 0);
    assert!(-100 - stage.earned("anne") <= -rent, "her rent was fixed when she opened");
    // The attacker pays for the time, at a price that rose steeply.
    stage.play("zoe settles a\nzoe settles b");
    assert!(stage.earned("mallory") < 20 * rent, "{} {rent}", stage.earned("mallory"));
    assert_eq!(stage.market().reserved_bytes(), 0);
}

#[test]
fn stall_the_queue() {
    let mut stage = stage("settings input_work=700 work=1000000000 operator_ppm=200000");
    // Junk that takes one input per row precedes an honest model, for the only reward.
    stage.play("blob slow right=5,5 work=600 #slow\nmallory deposits 20000 ether");
    stage.play("anne deposits 90000 ether\nbob deposits 20000 ether");
    stage.play("anne opens bounty max_work=13000 rewards=1 reward=500\nanne supplies bounty");
    stage.play("mallory enters bounty with slow\nbob enters bounty with good");
    // A waiting client continues its evaluation, at the expense of the attacker.
    let inputs = carry_on(&mut stage, "bob", "bounty/0");
    assert!(inputs >= 19, "{inputs}");
    stage.play("zoe settles bounty");
    assert!(stage.earned("bob") > 500 + 8_000, "{}", stage.earned("bob"));
    assert!(stage.earned("mallory") < -11_000, "{}", stage.earned("mallory"));
    // Nobody has to: it is refused after its own window, and the next one is decided.
    stage.play("anne opens again max_work=13000 rewards=1 reward=500 close=4000");
    stage.play("anne supplies again\nmallory deposits 20000 ether\ncarol deposits 20000 ether");
    stage.play("mallory enters again with slow");
    stage.play("carol enters again with good\nat 2000\nzoe settles again");
    assert!(stage.earned("carol") > 450, "{}", stage.earned("carol"));
}

#[test]
fn let_the_hold_out_expire() {
    let mut stage = stage("settings input_work=700");
    stage.play(
        "blob slow right=5,5 work=300\nanne opens cup sealed prize=100 base=slow \
                max_work=13000",
    );
    stage.play("anne supplies cup");
    carry_on(&mut stage, "zoe", "cup/base");
    stage.play("bob enters cup with top\nmallory enters cup with good");
    reveal(&mut stage, "cup", 2_000, "anne", &[("bob", "top"), ("mallory", "good")]);
    // The sponsor revealed, but nobody evaluates: nobody is to blame, and stakes are returned.
    stage.play("at 3000\nzoe settles cup");
    assert_eq!(["anne", "bob", "mallory"].map(|who| stage.earned(who)), [0, 0, 0]);
    assert_eq!(sunk(&stage), Amount::ZERO);
}

#[test]
fn collude_and_be_too_expensive() {
    let mut stage = stage("settings input_work=700");
    stage.play(
        "blob lie right=1,0 work=650\nanne opens cup sealed prize=100 seats=3 \
                max_work=30000",
    );
    stage.play("anne supplies cup\nbob enters cup with top\nmallory enters cup with lie");
    let seats = ["mole", "mule", "mire"];
    for seat in seats {
        stage.play(&format!("{seat} deposits 8 ether\n{seat} enlists for cup"));
    }
    reveal(&mut stage, "cup", 2_000, "anne", &[("bob", "top"), ("mallory", "lie")]);
    for (at, does) in [(2_100, "attests"), (2_200, "confirms")] {
        stage.play(&format!("at {at}"));
        for seat in seats {
            stage.play(&format!("{seat} {does} cup lie=1:960000"));
        }
    }
    // All seats attest the lie, but it cannot win: the machine has not evaluated it in time.
    stage.play("at 2300\nzoe settles cup\nzoe evaluates cup/0\nat 2900\nzoe settles cup");
    assert_eq!((stage.earned("bob"), stage.earned("mallory")), (100 - 10, -10));
    assert_eq!(earned(&stage, &seats), 40, "what any seats have for their work");
}

#[test]
fn lie_about_the_base_model() {
    let mut stage = stage("");
    let terms = "sealed prize=100 seats=3 samples=40 min_gain=900000";
    stage.play(&format!("anne opens cup {terms}\nanne supplies cup\nbob enters cup with top"));
    for seat in ["max", "mole", "mule"] {
        stage.play(&format!("{seat} deposits 8 ether\n{seat} enlists for cup"));
    }
    reveal(&mut stage, "cup", 2_000, "anne", &[("bob", "top")]);
    for (at, does) in [(2_100, "attests"), (2_200, "confirms")] {
        stage.play(&format!("at {at}\nmax {does} cup"));
        for seat in ["mole", "mule"] {
            stage.play(&format!("{seat} {does} cup flip=base:0 flip=base:1 flip=base:2"));
        }
    }
    // The machine samples the base model like any other.
    stage.play("at 2300\nzoe settles cup\nzoe evaluates cup/hold_out\nzoe evaluates cup/0");
    stage.play("zoe settles cup");
    assert_eq!(["mole", "mule"].map(|seat| stage.earned(seat)), [-8, -8]);
    assert!(stage.earned("max") > 0);
}

#[test]
fn lie_about_the_base_model_all_together() {
    let mut stage = stage("");
    // A sponsor who holds every seat wants the models and the prize.
    stage.play("mallory opens cup sealed prize=100 seats=1 samples=40\nmallory supplies cup");
    stage.play("bob enters cup with top\nmole deposits 8 ether\nmole enlists for cup");
    reveal(&mut stage, "cup", 2_000, "mallory", &[("bob", "top")]);
    stage.play("mole attests cup flip=base:0\nat 2200\nmole confirms cup flip=base:0\nat 2300");
    stage.play("zoe settles cup\nzoe evaluates cup/hold_out\nzoe settles cup");
    assert_eq!(stage.earned("bob"), 0);
    assert!(earned(&stage, &["mallory", "mole"]) < 0, "the lie is not for nothing");
}

#[test]
fn pay_one_model_many_times() {
    let mut stage = stage("");
    stage.play("anne opens bounty rewards=4\nanne supplies bounty");
    for sock in 0..9 {
        // Eight meaningless bytes, another graph: the same model.
        let graph = sock % 3;
        stage.play(&format!("blob m{sock} right=9,9 like=1 graph={graph} #{sock}"));
        stage.play(&format!("sock{sock} deposits 1 ether\nsock{sock} enters bounty with m{sock}"));
    }
    stage.play("bob enters bounty with good");
    let socks: i128 = (0..9).map(|sock| stage.earned(&format!("sock{sock}"))).sum();
    assert_eq!((socks, stage.earned("bob")), (10, 10));
}

#[test]
fn take_all_places() {
    let mut stage = stage(PRICED);
    stage.play("anne opens bounty places=3 max_work=100 reward=500\nanne supplies bounty");
    // Models refused at once free their places; an account has at most one place.
    for _ in 0..200 {
        stage.play("mallory enters bounty with junk");
    }
    stage.play("mallory submits good to bounty");
    stage.refused("mallory submits better to bounty", "SubmissionPending");
    let records = stage.market().job(stage.job("bounty")).unwrap().submissions.len();
    assert!(records <= 3, "{records} records in 3 places");
    stage.play("bob enters bounty with better\ncarol enters bounty with best");
    stage.play("at 2000\nzoe settles bounty");
    assert!(stage.earned("mallory") <= -200, "{}", stage.earned("mallory"));
    let honest = ["bob", "carol"].map(|who| stage.earned(who));
    assert!(honest.iter().all(|earned| *earned > 400), "{honest:?}");
}

#[test]
fn copy() {
    let mut stage = stage("");
    stage.play("blob mine right=9,9 like=1\nblob copy right=9,9 like=1 graph=2 #copy");
    stage.play("anne opens bounty rewards=2\nanne supplies bounty\nbob submits mine to bounty");
    // Someone who sees the bytes in transit commits later, even if it publishes first.
    stage.play("mallory enters bounty with copy\nbob publishes mine to bounty");
    stage.line("zoe settles bounty").unwrap();
    assert_eq!((stage.earned("bob"), stage.earned("mallory")), (10, 0));
    // In a job with a prize, too, it is later.
    stage.play("anne opens cup prize=100\nanne supplies cup\nbob enters cup with mine");
    stage.play("mallory enters cup with copy\nat 2000\nzoe settles cup");
    assert_eq!((stage.earned("bob"), stage.earned("mallory")), (110, 0));
}

#[test]
fn another_jobs_price() {
    let mut stage = stage("");
    stage.play("anne opens cup sealed prize=100 seats=1 buy_in=10\nanne supplies cup");
    let seen = stage.job("cup");
    // Other jobs with the same title, one with the same salt, and a number sooner or later.
    let dear = "sealed prize=1 seats=1 buy_in=900";
    stage.play(&format!("mallory opens cup {dear}\nmallory supplies cup"));
    assert_ne!(stage.job("cup"), seen, "terms and sponsor are in the name");
    assert_eq!(stage.market().job(seen).map(|job| job.number), Some(0));
    // After a reorganisation the job is gone: its name identifies no other job.
    let mut other = Stage::new();
    other.play(USUAL);
    other.play(&format!("mallory opens trap {dear}\nmallory supplies trap"));
    other.call("cup", seen);
    for line in ["bob submits top to cup", "max enlists for cup", "bob shows good to cup"] {
        other.refused(line, "UnknownJob");
    }
    assert_eq!(["bob", "max"].map(|who| other.earned(who)), [0, 0]);
}

#[test]
fn machine_time_for_nothing() {
    let mut stage = stage("settings input_work=100000 float=1000 work=1000000 surcharge_lag=30");
    stage.play("blob heavy right=5,5 work=4900");
    stage.play("anne opens cup sealed prize=100 places=1\nanne supplies cup");
    stage.play("bob enters cup with top\nanne opens bounty max_work=100000 places=3 rewards=1");
    stage.play("anne supplies bounty\nmallory enters bounty with heavy");
    // The attacker keeps the machine busy for 98 seconds and pays; others would pay a surcharge.
    let busy = stage.market().lag_seconds();
    assert!((98..=99).contains(&busy), "{busy}");
    assert!(stage.earned("mallory") <= -19, "{}", stage.earned("mallory"));
    stage.play("mole deposits 1000 ether\nmole enters bounty with heavy");
    stage.refused("mole evaluates bounty/1 surcharge=699", "SurchargeTooSmall needed=700");
    assert_eq!(stage.market().lag_seconds(), busy, "nothing more runs for free");
    // No window passes during the lag: Bob reveals 10 seconds after the window's end by block time.
    stage.play("at 2000\nzoe settles cup\nanne reveals hidden to cup\nat 2090");
    stage.play("mole evaluates bounty/1\nat 2110\nbob reveals top to cup");
    assert!(stage.market().now().0 < 2_100, "{}", stage.market().now());
}

#[test]
fn randomness() {
    /// Seed of the seats: with another salt, another commitment, one key less, another block.
    fn seed(salt: &str, third: &str, silent: bool, randao: u8) -> Vec<u8> {
        let mut stage = stage("");
        stage.play(&format!("anne opens cup sealed prize=100 seats=2 salt={salt}"));
        stage.play("anne supplies cup\nbob enters cup with top\ncarol enters cup with fair");
        stage.play(&format!("dave submits {third} to cup"));
        for miner in ["max", "mia", "moe", "mel"] {
            stage.play(&format!("{miner} enlists for cup"));
        }
        stage.play("at 2000\nzoe settles cup\nanne reveals hidden to cup\nbob reveals top to cup");
        if !silent {
            stage.play("carol reveals fair to cup");
        }
        stage.play(&format!("at 2100\nrandao {randao}"));
        while stage.market().job(stage.job("cup")).unwrap().seed.is_none() {
            stage.play("zoe settles cup");
        }
        stage.market().job(stage.job("cup")).unwrap().seed.unwrap().0.to_vec()
    }
    let one = seed("a", "good", false, 1);
    assert_eq!(one, seed("a", "good", false, 1), "it can be derived again");
    assert_ne!(one, seed("b", "good", false, 1), "the hold-out's key");
    assert_ne!(one, seed("a", "better", false, 1), "a commitment");
    assert_ne!(one, seed("a", "good", true, 1), "a revealed key");
    assert_ne!(one, seed("a", "good", false, 2), "the block");
}

#[test]
fn make_every_audit_fail() {
    let mut stage = stage("");
    stage.play("anne opens cup prize=100\nanne supplies cup\nbob enters cup with good");
    // The victim's blobs under other names, in a job that is cancelled: they are the attacker's.
    stage.play("blob base [unixfs] right=5,5\nblob rows [unixfs] rows=10,10");
    stage.play("mallory opens mine prize=1\nmallory supplies mine\nmallory cancels mine");
    let cup: JobId = stage.job("cup");
    assert_eq!(stage.market().blob_states(cup).count(), 3);
    // The same model by the same client in two jobs.
    stage.play("mallory opens two prize=1 close=3000\nmallory supplies two");
    stage.play("bob enters two with good\nat 2000\nzoe settles cup\nat 3000\nzoe settles two");
    assert_eq!(stage.market().job(cup).unwrap().stage, JobStage::Settled);
    assert_eq!((stage.earned("bob"), stage.earned("mallory")), (101, -1));
}

#[test]
fn evaluate_everything_of_others() {
    let mut stage = stage(PRICED);
    stage.play("anne opens cup sealed prize=100 max_work=200\nanne supplies cup");
    stage.play("bob enters cup with top\ncarol enters cup with fair");
    reveal(&mut stage, "cup", 2_000, "anne", &[("bob", "top"), ("carol", "fair")]);
    // Step by step, again and again: only the rows are paid for, once.
    for _ in 0..50 {
        stage.line("mallory evaluates cup/0 work=30").unwrap();
        stage.line("mallory evaluates cup/1 work=30").unwrap();
        stage.refused("mallory evaluates cup/0 from=999", "");
    }
    stage.play("zoe settles cup");
    let work = stage.earned("mallory");
    assert!((1..=2 * 52).contains(&work), "{work}: at most the rows of two models");
    assert!(stage.earned("bob") >= 100 - 52, "{}", stage.earned("bob"));
    assert!(stage.earned("carol") >= -52, "{}", stage.earned("carol"));
}

#[test]
fn write_to_everybody() {
    let mut stage = stage(PRICED);
    stage.play("anne opens cup places=2 rewards=2 max_work=200\nanne supplies cup");
    stage.play("bob submits good to cup");
    let before = stage.market().job(stage.job("cup")).unwrap().clone();
    // Ten accounts without a stake reach neither the sponsor nor a client.
    for sock in 0..10 {
        stage.play(&format!("sock{sock} publishes-key {sock}"));
        stage.refused(&format!("sock{sock} writes cup/0"), "NotParty submission=0");
        stage.refused(&format!("sock{sock} writes cup/7"), "UnknownSubmission submission=7");
    }
    assert_eq!(stage.market().job(stage.job("cup")).unwrap(), &before);
    // With a stake one reaches the sponsor alone; all that is left are two numbers in one's record.
    stage.play("mallory submits fair to cup");
    let staked = stage.earned("mallory");
    for _ in 0..1_000 {
        stage.line("mallory writes cup/1 bytes=4096").unwrap();
    }
    stage.refused("mallory writes cup/0", "NotParty submission=0");
    let cup = stage.market().job(stage.job("cup")).unwrap();
    assert_eq!(cup.submissions[&1].messages.from_client, 1_000);
    assert_eq!(cup.submissions[&0], before.submissions[&0]);
    // Nobody's own message, money or deadline is in its way.
    stage.play("bob writes cup/0\nanne writes cup/0\nbob publishes good to cup");
    assert_eq!(stage.earned("mallory"), staked);
}
