import { expect } from "chai";
import { acquisitionDocument } from "../../infra/acquisition";
import { parseSettings } from "../../infra/config";
import { declare } from "./support/declared";

const base = { forensics: { accountId: "111111111111" }, regions: ["eu-west-1"], members: [{ accountId: "222222222222" }] };

describe("memory, as a stack says", function () {
    this.timeout(240_000);

    it("is off; and its times follow what is taken", () => {
        expect(parseSettings(base).memory).to.deep.equal({ mode: "off", path: "quarantine", atMostSeconds: 90 });
        expect(parseSettings({ ...base, memory: { mode: "full" } }).memory.atMostSeconds).to.equal(600);
        expect(parseSettings({ ...base, memory: { mode: "volatile", atMostSeconds: 120 } }).memory.atMostSeconds).to.equal(120);
    });

    it("names what it cannot be", () => {
        expect(() => parseSettings({ ...base, memory: { mode: "all", atMostSeconds: 30, path: "after" } }))
            .to.throw(/3 problems/)
            .with.property("message")
            .that.matches(/memory\.mode = "all"/)
            .and.matches(/memory\.atMostSeconds = 30/)
            .and.matches(/memory\.path = "after"/);
    });

    it("brings its functions, document and images where it is taken, and what they read", async () => {
        const { resources, problems } = await declare({ ...base, memory: { mode: "volatile" } });
        expect(problems).to.deep.equal([]);
        const named = (name: string) =>
            resources.find(({ type, inputs }) => type === "aws:lambda/function:Function" && inputs.name === `clean-room-${name}`)!;
        const environment = (name: string) => (named(name).inputs.environment as { variables: Record<string, string> }).variables;
        expect(JSON.parse(environment("quarantineInstance").ACQUISITION_IMAGES!)).to.have.keys("x86_64", "arm64");
        expect(environment("acquireMemory").ACQUISITION_DOCUMENT_HASH).to.have.length(64);
        expect(environment("isolateInstance").MEMORY_MODE).to.equal("volatile");
        const machine = resources.find(
            ({ type, inputs }) => type === "aws:sfn/stateMachine:StateMachine" && inputs.name === "clean-room-incident",
        )!;
        expect(machine.inputs.definition).to.contain("AcquireMemory");
        const trusted = JSON.stringify(resources.find(({ inputs }) => inputs.name === "clean-room-responder")!.inputs.assumeRolePolicy);
        expect(trusted).to.contain("quarantineInstance").and.contain("acquireMemory").and.not.contain("writeAcquisitionImage");
    });

    it("runs the script as it is, with parameters that no shell can read anything into", () => {
        const document = acquisitionDocument();
        expect(document.match(/\{\{ \w+ \}\}/g)).to.deep.equal([
            "{{ AtMostSeconds }}",
            "{{ VolumeId }}",
            "{{ Mode }}",
            "{{ AtMostSeconds }}",
            "{{ ToolsSha256 }}",
        ]);
        expect(document).to.contain("The last line it prints is one JSON object");
        // Systems Manager takes 64 KB.
        expect(Buffer.byteLength(document)).to.be.lessThan(60_000);
    });
});
