import { expect } from "chai";
import { agreement } from "../../../../functions/domain/report/agreement";
import { impactKinds, impacts } from "../../../../functions/domain/report/impact";
import { findingFactsSchema } from "../../../../functions/domain/findingFacts";
import { finding, findings } from "../../../fixtures/analysis/plain";

const certainties = (given = findings) => Object.fromEntries(impacts(given).map(({ kind, certainty }) => [kind, certainty]));

describe("impact of findings", () => {
    it("says what is observed, what follows and what is not known", () => {
        expect(certainties()).to.deep.equal({
            data: "unknown",
            credentials: "inferred",
            root: "observed",
            persistence: "observed",
            mining: "observed",
            destruction: "unknown",
        });
    });

    it("never says no: without findings everything is unknown, with the reason", () => {
        const all = impacts([]);
        expect(all.map(({ kind }) => kind)).to.deep.equal([...impactKinds]);
        for (const { certainty, sentence } of all) {
            expect(certainty).to.equal("unknown");
            expect(sentence).to.match(/was seen|were seen/);
        }
        expect(all[0]!.sentence).to.contain("flow logs");
    });

    it("lets medium findings hint and low ones say nothing", () => {
        const upload = finding({ check: "shell-history", severity: "medium", title: "Command history: sends data out", attack: ["T1048"] });
        expect(certainties([upload]).data).to.equal("inferred");
        expect(certainties([{ ...upload, severity: "high" }]).data).to.equal("observed");
        expect(certainties([{ ...upload, severity: "low" }]).data).to.equal("unknown");
    });

    it("names the gravest finding, whatever the order", () => {
        const [critical, ...rest] = findings;
        expect(impacts([...rest, critical!]).find(({ kind }) => kind === "root")!.sentence).to.contain("/etc/ld.so.preload");
    });
});

describe("agreement of alert and disk", () => {
    const facts = (values: object) => findingFactsSchema.parse(values);
    it("is there when an address of the alert stands in what was found", () => {
        const { agrees, sentence } = agreement({ type: "x", facts: facts({ remoteAddresses: ["203.0.113.44"] }) }, findings, true);
        expect(agrees).to.equal(true);
        expect(sentence).to.contain("203.0.113.44");
    });
    it("is there when the disks show the kind of thing that the alert is about", () =>
        expect(agreement({ type: "CryptoCurrency:EC2/BitcoinTool.B!DNS", facts: null }, findings, true).agrees).to.equal(true));
    it("is denied in words that do not clear the instance", () => {
        const { agrees, sentence } = agreement({ type: "CryptoCurrency:EC2/BitcoinTool.B!DNS", facts: null }, [], false);
        expect(agrees).to.equal(false);
        expect(sentence).to.contain("so far").and.contain("memory");
    });
    it("is not claimed where the alert names nothing", () =>
        expect(agreement({ type: "Manual:EC2/Incident", facts: null }, findings, true).agrees).to.equal(null));
});
