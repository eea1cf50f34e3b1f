import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "chai";
import { anchorOf, runbookHeadings, stepHeading } from "../../functions/domain/messages/runbook";
import { reportedSteps } from "../../functions/domain/steps";
import { declare } from "../infra/support/declared";

const runbook = readFileSync(path.resolve(__dirname, "../../docs/runbook.md"), "utf8");
/** What stands under each heading, by the heading's anchor. */
const pages = new Map(
    runbook
        .split(/^#+ /m)
        .slice(1)
        .map((page) => [anchorOf(page.slice(0, page.indexOf("\n")).trim()), page.slice(page.indexOf("\n")).trim()]),
);

describe("docs/runbook.md", () => {
    for (const heading of Object.values(runbookHeadings))
        it(`has a page for the message "${heading}"`, () => expect(pages.get(anchorOf(heading)) ?? "").to.not.equal(""));

    // The record of StartIncident is the message that was refused, which has a page above.
    for (const step of reportedSteps.filter((each) => each !== "StartIncident"))
        it(`has a page for the failed step ${step}`, () => expect(pages.get(anchorOf(stepHeading(step))) ?? "").to.not.equal(""));

    it("links only to headings that it has", () => {
        const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
        expect(links).to.not.be.empty;
        for (const anchor of links) expect(pages.has(anchor!), anchor).to.equal(true);
    });

    it("has a page for every alarm that the program deploys", async function () {
        this.timeout(120_000);
        const { resources, problems } = await declare({
            forensics: { accountId: "111111111111" },
            regions: ["eu-west-1"],
            members: [{ accountId: "222222222222" }],
        });
        expect(problems).to.deep.equal([]);
        const alarms = resources.filter(({ type }) => type === "aws:cloudwatch/metricAlarm:MetricAlarm");
        expect(alarms.length).to.be.greaterThan(4);
        const missing = alarms.map(({ inputs }) => inputs.name as string).filter((name) => (pages.get(anchorOf(name)) ?? "") === "");
        expect(missing, "write a page for each in docs/runbook.md, with the alarm's name as its heading").to.deep.equal([]);
    });
});
