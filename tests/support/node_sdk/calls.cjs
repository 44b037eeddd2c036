// Calls the sandbox at the URL of the first argument by Meta's SDK for Node, and prints the results.
const { AdAccount, FacebookAdsApi } = require("facebook-nodejs-business-sdk");

const [url, token, bytes] = process.argv.slice(2);
Object.defineProperty(FacebookAdsApi, "GRAPH", { get: () => url });
FacebookAdsApi.init(token);

async function main() {
  const source = new AdAccount("act_1"), account = new AdAccount("act_2");
  const uploaded = await source.createAdImage([], { bytes });
  const { hash } = Object.values(uploaded._data.images)[0];
  const copy_from = { source_account_id: "1", hash };
  const copied = await account.createAdImage([], { copy_from });
  const creative = await account.createAdCreative([], { name: "one", image_hash: hash });
  const ad = await account.createAd([], {
    name: "My Ad", adset_id: "5", creative: { creative_id: creative.id }, status: "PAUSED",
  });
  const fields = ["hash", "name", "status", "creatives", "is_associated_creatives_in_adgroups"];
  const images = await account.getAdImages(fields, { hashes: [hash] });
  const ads = await account.getAds(["name", "status"], {});
  let code = null;
  try {
    await account.deleteAdImages({ hash });
  } catch (error) {
    code = error.response.code;
  }
  const deleted = await source.deleteAdImages({ hash });
  console.log(JSON.stringify({
    uploaded: hash,
    copied: Object.values(copied._data.images)[0].hash,
    creative: creative.id,
    ad: ad.id,
    images: images.map((image) => image._data),
    ads: ads.map((one) => one._data),
    refused: code,
    deleted: deleted,
  }));
}

main().catch((error) => { console.error(error); process.exit(1); });
