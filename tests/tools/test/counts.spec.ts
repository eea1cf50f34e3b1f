import { expect } from "chai";
import { junitCounts } from "../../../tools/test/counts";

describe("the test run's counting", () => {
    it("sums JUnit suites, errors being failures", () => {
        const xml = `<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="1" tests="10" time="1.5"><testcase/></testsuite><testsuite errors="0" failures="0" skipped="0" tests="3"></testsuite></testsuites>`;
        expect(junitCounts(xml)).to.deep.equal({ passed: 9, failed: 3, skipped: 1 });
    });

    it("is zero without a suite", () => {
        expect(junitCounts("<testsuites/>")).to.deep.equal({ passed: 0, failed: 0, skipped: 0 });
    });
});
