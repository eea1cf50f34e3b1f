/** The text that lies beside the seals and says to whoever finds the folder in ten years how to check it, with OpenSSL alone. Pure. */
import { payloadType } from "./seal";

export const custodyText = `CHAIN OF CUSTODY

This folder belongs to one incident of one EC2 instance. It proves what the evidence was when it was sealed.

  log/00000001.jsonl …     Who did what, when: one JSON object a line. "previous" of each line is the SHA-256 of the line before it (without its
                           newline; 64 zeros for the first line of the first file). "who" is the AWS principal, "requestId" finds the call in CloudTrail.
  seals/0001.dsse.json …   The case manifest, signed: a DSSE envelope (https://github.com/secure-systems-lab/dsse). "payload" is the manifest in base64.
                           It lists every object of the incident (name below the folder above this one, S3 version, bytes, SHA-256, Object Lock), the
                           snapshots, and the last line of the log. A later seal covers what came after the one before, and holds its SHA-256.
  public-key-….pem         The public key of the AWS KMS key that signed (ECC_NIST_P256, ECDSA_SHA_256). "key.arn" in the manifest names that key.

To check everything with the program that made it:    npm run verify -- FOLDER --key PUBLIC-KEY.pem

To check a signature with OpenSSL and jq:
  jq -r .payload seals/0001.dsse.json | base64 -d > manifest.json
  jq -r .signatures[0].sig seals/0001.dsse.json | base64 -d > manifest.sig
  (printf 'DSSEv1 ${payloadType.length} ${payloadType} %s ' "$(wc -c < manifest.json | tr -d ' ')"; cat manifest.json) > signed
  openssl dgst -sha256 -verify public-key-….pem -signature manifest.sig signed
To check an object:  sha256sum ../NAME, and look the name up in manifest.json.

A key that comes with the folder proves only that the folder is consistent: whoever can write the folder can make a key too. Take the public key, or its
fingerprint (SHA-256 of its DER form), from the account that sealed the case:
  aws kms get-public-key --key-id KEY-ARN --query PublicKey --output text | base64 -d | sha256sum
`;
