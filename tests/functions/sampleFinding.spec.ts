/** What becomes of GuardDuty's sample finding in GuardDuty. */
import { ArchiveFindingsCommand, ListFindingsCommand, type GuardDutyClient } from "@aws-sdk/client-guardduty";
import { expect } from "chai";
import { archived } from "../../functions/aws/readiness/sample";

/** GuardDuty with one sample. @param refuses its answer to who may not archive */
function guardDuty(refuses: string | null) {
    const sent: unknown[] = [];
    const send = async (command: unknown) => {
        sent.push(command);
        if (command instanceof ListFindingsCommand) return { FindingIds: ["f-1"] };
        if (command instanceof ArchiveFindingsCommand && refuses) throw Object.assign(new Error(refuses), { name: refuses });
        return {};
    };
    return { client: { send } as unknown as GuardDutyClient, sent };
}

describe("GuardDuty's sample finding", () => {
    it("is archived where the account may", async () => {
        const { client, sent } = guardDuty(null);
        expect(await archived(client, "d-1")).to.equal(true);
        expect(sent.filter((each) => each instanceof ArchiveFindingsCommand)).to.have.length(1);
    });

    // Else the whole check would be told as not looked at, although the way in works, wherever another account administers GuardDuty.
    it("is left in sight, without an error, where the administrator alone may", async () => {
        expect(await archived(guardDuty("BadRequestException").client, "d-1")).to.equal(false);
    });
});
