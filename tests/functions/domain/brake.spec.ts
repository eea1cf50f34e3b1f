import { expect } from "chai";
import fc from "fast-check";
import { brakeSchema, countedWith, takePlace, tierOf, type Taken } from "../../../functions/domain/brake";

describe("takePlace", () => {
    it("grants at most the count in any span of the minutes, each incident once, and a place to whoever has room", () => {
        fc.assert(
            fc.property(
                fc.array(fc.record({ id: fc.nat(20), later: fc.integer({ min: 0, max: 400 }) }), { maxLength: 60 }),
                fc.integer({ min: 1, max: 5 }),
                fc.integer({ min: 1, max: 15 }),
                (asked, count, minutes) => {
                    let now = Date.parse("2026-11-24T10:00:00.000Z");
                    let taken: Taken = [];
                    const granted: { id: string; at: number }[] = [];
                    for (const { id, later } of asked) {
                        now += later * 1000;
                        const recent = granted.filter(({ at }) => at > now - minutes * 60_000);
                        const result = takePlace(taken, String(id), { count, minutes }, new Date(now));
                        const has = recent.some((each) => each.id === String(id));
                        expect(result.granted).to.equal(has || recent.length < count);
                        if (result.granted && !has) granted.push({ id: String(id), at: now });
                        taken = result.taken;
                    }
                    for (const { at } of granted)
                        expect(granted.filter((each) => each.at >= at && each.at < at + minutes * 60_000).length).to.be.at.most(count);
                },
            ),
        );
    });
});

describe("the brake's limits", () => {
    it("are ten in ten minutes, and an account's own where it has one", () => {
        expect(countedWith(undefined, "222222222222")).to.deep.equal({ name: "all", limit: { count: 10, minutes: 10 } });
        const brake = brakeSchema.parse({ count: 5, accounts: { "222222222222": { minutes: 60 } } });
        expect(countedWith(brake, "222222222222")).to.deep.equal({ name: "222222222222", limit: { count: 10, minutes: 60 } });
        expect(countedWith(brake, "333333333333")).to.deep.equal({ name: "all", limit: { count: 5, minutes: 10 } });
        expect(brakeSchema.safeParse({ count: 0 }).success).to.equal(false);
        expect(brakeSchema.safeParse({ accounts: { web: {} } }).success).to.equal(false);
    });

    it("are told at the first that waits, and at ten times as many", () => {
        expect([1, 9, 10, 99, 100, 2990].map(tierOf)).to.deep.equal([0, 0, 1, 1, 2, 3]);
    });
});
