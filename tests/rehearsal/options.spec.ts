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
            keep: false,
            timeoutSeconds: 300,
            help: false,
        });
    });

    it("take every option", () => {
        expect(
            parseOptions(["--finding", "f.json", "--disk=d.img", "--estate", "--out", "o", "--json", "--keep", "--timeout", "60"], "out"),
        ).to.deep.equal({
            finding: "f.json",
            disk: "d.img",
            estate: true,
            out: "o",
            json: true,
            keep: true,
            timeoutSeconds: 60,
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

    for (const value of ["0", "9", "3601", "1.5", "soon", ""]) {
        it(`refuse --timeout "${value}" and say what is allowed`, () => {
            expect(refusal("--timeout", value)).to.include("10 to 3600");
        });
    }
});
