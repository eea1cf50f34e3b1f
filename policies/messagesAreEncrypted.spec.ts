import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { messagesAreEncrypted } from "./messagesAreEncrypted";
import { judge, unknownString, type Declared } from "./testing/engine";

const violations = async (is: Declared["is"], props: object): Promise<string[]> =>
    (await judge(messagesAreEncrypted, [{ is, name: "findings", props }])).violations;

describe("policy messages-are-encrypted", () => {
    it("accepts a key, also one made in the same run, and SQS's own encryption where it is written", async () => {
        expect(await violations(aws.sns.Topic, { kmsMasterKeyId: unknownString })).to.be.empty;
        expect(await violations(aws.sqs.Queue, { kmsMasterKeyId: "alias/messages" })).to.be.empty;
        expect(await violations(aws.sqs.Queue, { sqsManagedSseEnabled: true })).to.be.empty;
    });

    it("refuses topics and queues in the clear", async () => {
        expect(await violations(aws.sns.Topic, {})).to.have.length(1);
        expect(await violations(aws.sns.Topic, { kmsMasterKeyId: "" })).to.have.length(1);
        expect(await violations(aws.sqs.Queue, {})).to.have.length(1);
        expect(await violations(aws.sqs.Queue, { sqsManagedSseEnabled: false })).to.have.length(1);
    });
});
