import { expect } from "chai";
import { stepWords } from "../../../functions/domain/stepWords";

describe("the words of a step", () => {
    for (const [name, words] of [
        ["disableMetadata", "disable metadata"],
        ["SwapGroups", "swap groups"],
        ["denyRDSAccess", "deny RDS access"],
        ["CheckSsm", "check SSM"],
        ["protect", "protect"],
        ["", ""],
    ] as const)
        it(`are "${words}" for ${name}`, () => expect(stepWords(name)).to.equal(words));
});
