/**
 * The parser against a collection of public findings, where one lies beside the clone. The expectation is derived from
 * the collection's own index, not from the parser. Without the collection no test is counted, and the log says so.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseMessage } from "../../../functions/domain/parseMessage";

const corpus = join(__dirname, "..", "..", "..", "..", "shared", "findings");
const index = join(corpus, "index.tsv");

interface Row {
    file: string;
    resourceTypes: string[];
    instanceIds: string[];
    account: string;
}

/** Where the index does not tell the whole story, the verdict by hand. */
const byHand: Record<string, { outcome: string; why: string }> = {
    "eventbridge/ken5scal-guardduty__1.json": { outcome: "refused", why: "archived" },
    "eventbridge/ken5scal-guardduty__3.json": { outcome: "refused", why: "archived" },
    "finding-camel/ramtinkazemi1-fastapi-ai-cloud-security-incident-response__2.json": { outcome: "incident", why: "a type named EC2" },
    "finding-camel/ramtinkazemi1-fastapi-ai-cloud-security-incident-response__3.json": { outcome: "incident", why: "a type named EC2" },
    "finding-pascal/cartography-cncf-cartography__1.json": { outcome: "incident", why: "account and Region stand in its ARN only" },
};

/** An incident needs the instance as the only kind of resource, a well-formed id, and an account of 12 digits. */
function expectedOutcome({ file, resourceTypes, instanceIds, account }: Row): string {
    if (byHand[file]) return byHand[file].outcome;
    const aboutInstance = resourceTypes.length === 1 && ["Instance", "AwsEc2Instance"].includes(resourceTypes[0]);
    const wellFormed = instanceIds.length > 0 && instanceIds.every((id) => /^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id));
    return aboutInstance && wellFormed && /^\d{12}$/.test(account) ? "incident" : "refused";
}

function readIndex(): Row[] {
    const [, ...lines] = readFileSync(index, "utf8").trimEnd().split("\n");
    return lines.map((line) => {
        const [file, , , resourceTypes, instanceIds, account] = line.split("\t");
        return { file, resourceTypes: resourceTypes.split(","), instanceIds: instanceIds.split(",").filter((id) => id !== ""), account };
    });
}

describe("parseMessage against public findings", () => {
    if (!existsSync(index)) {
        console.warn(
            "      parseMessage against public findings: there is no collection at ../shared/findings beside this clone, 0 documents looked at.",
        );
        return;
    }
    const rows = readIndex();

    it(`has the verdict that the index calls for, for each of ${rows.length} documents`, () => {
        expect(rows.length).to.be.greaterThan(100);
        const wrong = rows.flatMap((row) => {
            const result = parseMessage(readFileSync(join(corpus, row.file), "utf8"));
            const named = result.findings.flatMap((finding) => finding.instances.map((instance) => instance.instanceId));
            const right = result.outcome === expectedOutcome(row) && named.every((id) => row.instanceIds.includes(id));
            return right ? [] : [`${row.file}: ${result.outcome} ${named.join()} ${result.refusals.join(" ")}`];
        });
        expect(wrong).to.deep.equal([]);
    });
});
