/** The custody key of KMS in memory, which signs for real. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { signDigest } from "../ecdsa";
import { awsError } from "./errors";

export class InMemoryKms {
    keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("ec", { namedCurve: "P-256" });

    onGetPublicKey({ KeyId }: { KeyId: string }): unknown {
        return { KeyId, PublicKey: this.keys.publicKey.export({ type: "spki", format: "der" }) };
    }
    onSign(input: { MessageType: string; SigningAlgorithm: string; Message: Buffer }): unknown {
        if (input.MessageType !== "DIGEST" || input.SigningAlgorithm !== "ECDSA_SHA_256") throw awsError("ValidationException");
        return { Signature: signDigest(input.Message, this.keys.privateKey) };
    }
}
