//! Puts and gets a raw key in each of so many regions of the fake cluster's data, one after another, and says how far it is:
//! `load KEYS PD,PD`. The first error ends it.

use std::io::Write as _;
use std::time::Duration;

use fake_tikv::data;

/// From one key to the next, so that it is under way when a fault comes.
const PACE: Duration = Duration::from_millis(150);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let keys: u64 = args.next().ok_or("give the number of keys")?.parse()?;
    let pd = args.next().ok_or("give the PD members, with commas between them")?;
    let client = tikv_client::RawClient::new(pd.split(',').map(str::to_owned).collect()).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "keys 0/{keys}")?;
    for number in 0..keys {
        tokio::time::sleep(PACE).await;
        let key = data::key(number).to_vec();
        client.put(key.clone(), "value").await?;
        client.get(key).await?;
        writeln!(stdout, "keys {}/{keys}", number + 1)?;
    }
    Ok(())
}
