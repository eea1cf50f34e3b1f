import * as aws from "@pulumi/aws";
import { expect } from "chai";
import taggable from "./catalogue/taggable.json";
import { throwOnUnknown } from "./lib/unknown";
import { resourcesAreTagged } from "./resourcesAreTagged";
import { judge, unknownString, type Declared } from "./testing/engine";
import { taggableTypes } from "./testing/providerTypes";

const config = { tags: { owner: "security", "cost-centre": "" } };
const bucket = (props: object, provider?: object): Declared => ({ is: aws.s3.Bucket, name: "store", props, provider });
const judged = (declared: Declared, asked: object = config) => judge(resourcesAreTagged, [declared], asked);

describe("policy resources-are-tagged", () => {
    it("asks for nothing by itself", async () => {
        expect((await judged(bucket({}), {})).violations).to.be.empty;
    });

    it("accepts tags of the resource, and of its provider in either form", async () => {
        const all = { owner: "security", "cost-centre": "4711" };
        for (const each of [
            bucket({ tags: all }),
            bucket({ tags: { "cost-centre": unknownString } }, { defaultTags: { tags: { owner: "security" } } }),
            bucket({}, { defaultTags: JSON.stringify({ tags: all }) }),
            bucket({ tags: { owner: "security" }, tagsAll: all }),
        ])
            expect((await judged(each)).violations, JSON.stringify(each)).to.be.empty;
    });

    it("refuses a tag that is missing, and one that says something else", async () => {
        expect((await judged(bucket({ tags: { owner: "security" } }))).violations.join()).to.include('"store" has no tag "cost-centre"');
        expect((await judged(bucket({}))).violations).to.have.length(2);
        const other = await judged(
            bucket({ tags: { owner: "sales", "cost-centre": "1" } }, { defaultTags: { tags: { owner: "security" } } }),
        );
        expect(other.violations).to.have.length(1);
        expect(other.violations[0]).to.include('"owner" with another value than "security"');
    });

    it("leaves alone what takes no tags, and waits for tags that are not known", async () => {
        const attachment: Declared = { is: aws.iam.RolePolicyAttachment, name: "one", props: {} };
        expect((await judged(attachment)).violations).to.be.empty;
        const waits = await judged(bucket({ tags: unknownString }));
        expect([waits.violations.length, waits.deferred.length]).to.deep.equal([0, 1]);
    });

    it("adds what is missing where it remediates, and changes nobody's value", () => {
        const remedied = (type: string, props: object, provider?: object): unknown =>
            resourcesAreTagged.remediateResource?.({
                type,
                props: throwOnUnknown(props),
                provider: provider && { props: throwOnUnknown(provider) },
                getConfig: () => config,
            } as unknown as Parameters<NonNullable<typeof resourcesAreTagged.remediateResource>>[0]);
        const store = "aws:s3/bucket:Bucket";
        expect(remedied(store, { bucket: "a" })).to.deep.equal({ bucket: "a", tags: { owner: "security" } });
        expect(remedied(store, { tags: { team: "blue" } })).to.deep.equal({ tags: { owner: "security", team: "blue" } });
        expect(remedied(store, { tags: { owner: "sales" } })).to.equal(undefined);
        expect(remedied(store, {}, { defaultTags: { tags: { owner: "security" } } })).to.equal(undefined);
        expect(remedied(store, { tags: unknownString })).to.equal(undefined);
        expect(remedied("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {})).to.equal(undefined);
    });

    it("knows every type of the installed provider that takes tags", function () {
        this.timeout(30_000);
        const listed = taggable.types.split(" ").map((type) => `aws:${type}`);
        expect(taggableTypes(), "Write this list into policies/catalogue/taggable.json").to.deep.equal(listed);
    });
});
