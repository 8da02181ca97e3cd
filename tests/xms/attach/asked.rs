//! Whether a host sees a volume: asked, and nothing changed.

use super::*;

#[tokio::test]
async fn only_a_host_that_is_mapped_sees_the_volume() {
    for lab in Lab::all().await {
        lab.volumes(&["v1", "v2"]).await;
        for (array, host) in [(lab.iscsi(), iscsi_host()), (lab.fc(), fc_host())] {
            let sees = async |volume: &str| array.is_connected(volume, &host).await.expect("asked");
            assert!(!sees("v1").await, "the array does not know the host");
            attach(&array, "v1", &host).await;
            let before = (lab.mapped(), lab.initiators());
            assert!(sees("v1").await);
            assert!(!sees("v2").await, "another volume");
            assert!(!sees("v9").await, "no volume");
            assert_eq!((lab.mapped(), lab.initiators()), before);
            detach(&array, "v1", &host).await;
            assert!(!sees("v1").await);
        }
    }
}
