import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { tableIsProtected } from "./tableIsProtected";
import { judge, unknownString, type Declared } from "./testing/engine";

const table = (props: object): Declared => ({ is: aws.dynamodb.Table, name: "incidents", props });
const violations = async (...stack: Declared[]): Promise<string[]> => (await judge(tableIsProtected, stack)).violations;
const good = { deletionProtectionEnabled: true, pointInTimeRecovery: { enabled: true } };

describe("policy table-is-protected", () => {
    it("accepts a table that is", async () => {
        expect(await violations(table(good))).to.be.empty;
    });

    it("refuses one that can be deleted, or not put back", async () => {
        expect(await violations(table({}))).to.have.length(2);
        for (const bad of [
            { deletionProtectionEnabled: false },
            { pointInTimeRecovery: { enabled: false } },
            { pointInTimeRecovery: unknownString },
            { deletionProtectionEnabled: unknownString },
        ]) {
            expect(await violations(table({ ...good, ...bad })), JSON.stringify(bad)).to.have.length(1);
        }
    });
});
