import { expect } from "chai";
import { InputError, parseOptions } from "../../rehearsal/options";

const refusal = (...args: string[]) => {
    try {
        parseOptions(args, "out");
    } catch (error) {
        expect(error).to.be.instanceOf(InputError);
        return (error as InputError).message;
    }
    throw new Error(`${args.join(" ")} was accepted`);
};

describe("rehearsal options", () => {
    it("have the documented defaults", () => {
        expect(parseOptions([], "out")).to.deep.equal({
            finding: null,
            disk: null,
            estate: false,
            out: "out",
            json: false,
            memory: null,
            keep: false,
            timeoutSeconds: 300,
            faults: [],
            throttling: false,
            help: false,
        });
    });

    it("take every option", () => {
        expect(
            parseOptions(
                [
                    ...["--finding", "f.json", "--disk=d.img", "--estate", "--out", "o", "--json", "--keep", "--timeout", "60"],
                    ...["--memory", "full"],
                    ...["--fault", "ec2:CreateSnapshots#1=lost-reply", "--fault=states:*@isolate#2+=slow:3", "--throttling"],
                ],
                "out",
            ),
        ).to.deep.equal({
            finding: "f.json",
            disk: "d.img",
            estate: true,
            out: "o",
            json: true,
            memory: "full",
            keep: true,
            timeoutSeconds: 60,
            faults: ["ec2:CreateSnapshots#1=lost-reply", "states:*@isolate#2+=slow:3"],
            throttling: true,
            help: false,
        });
    });

    it("refuse what they do not know, and show the usage", () => {
        expect(refusal("--findings", "f.json"))
            .to.match(/--findings/)
            .and.to.match(/Usage: npm run rehearse/);
        expect(refusal("f.json")).to.match(/f\.json/);
        expect(refusal("--finding")).to.match(/finding/);
    });

    it("refuse what is no mode of taking memory", () => {
        expect(refusal("--memory", "off")).to.include("volatile or full");
        expect(refusal("--memory")).to.match(/memory/);
    });

    it("refuse a fault that cannot be read, and name the kinds", () => {
        expect(refusal("--fault", "CreateSnapshots")).to.match(/SERVICE:OPERATION/);
        expect(refusal("--fault", "ec2:CreateSnapshots=burn")).to.match(/lost-reply/);
    });

    for (const value of ["0", "9", "3601", "1.5", "soon", ""]) {
        it(`refuse --timeout "${value}" and say what is allowed`, () => {
            expect(refusal("--timeout", value)).to.include("10 to 3600");
        });
    }
});
