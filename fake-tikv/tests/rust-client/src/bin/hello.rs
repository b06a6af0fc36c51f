//! Puts and gets a raw key.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = tikv_client::RawClient::new(std::env::args().skip(1).collect()).await?;
    client.put("hello".to_owned(), "world").await?;
    let value = client.get("hello".to_owned()).await?.unwrap_or_default();
    println!("hello {}", String::from_utf8_lossy(&value));
    Ok(())
}
