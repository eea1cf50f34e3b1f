/** ECDSA over P-256 of a digest, as KMS signs one (MessageType DIGEST): Node's own sign() hashes whatever it is given. */
import { createECDH, type KeyObject } from "node:crypto";

const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const modulo = (value: bigint) => ((value % n) + n) % n;
const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString("hex")}`);

function inverse(value: bigint): bigint {
    let [a, b, x, y] = [modulo(value), n, 1n, 0n];
    while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
    return modulo(x);
}

function derInteger(value: bigint): Buffer {
    const hex = value.toString(16);
    const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
    const body = bytes[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
    return Buffer.concat([Buffer.from([2, body.length]), body]);
}

/** The signature in DER. */
export function signDigest(digest: Uint8Array, privateKey: KeyObject): Buffer {
    const once = createECDH("prime256v1");
    once.generateKeys();
    const r = modulo(numberOf(once.getPublicKey().subarray(1, 33)));
    const d = numberOf(Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url"));
    const s = modulo(numInverse(once.getPrivateKey()) * (numberOf(Buffer.from(digest)) + r * d));
    const body = Buffer.concat([derInteger(r), derInteger(s)]);
    return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

const numInverse = (k: Buffer) => inverse(numberOf(k));
