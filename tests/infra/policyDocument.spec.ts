import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { statementsKnownEarly } from "../../infra/policyDocument";

describe("statements of a policy", () => {
    const statements = (arn: string) => [
        { Sid: "Table", Resource: ["arn:aws:dynamodb:eu-west-1:111111111111:table/x"] },
        { Sid: "Key", Resource: [arn] },
    ];

    it("wait for an ARN only where they name it", async () => {
        const [table, key] = statementsKnownEarly(statements, pulumi.output("arn:key"));
        expect(table).to.deep.equal(statements("")[0]);
        expect(pulumi.Output.isInstance(key)).to.equal(true);
        expect(await new Promise((resolve) => void pulumi.output(key).apply(resolve))).to.deep.equal({ Sid: "Key", Resource: ["arn:key"] });
    });
});
