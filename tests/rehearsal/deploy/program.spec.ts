import { execFile } from "node:child_process";
import path from "node:path";
import { expect } from "chai";

const deploy = (program: string) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        const script = path.join(__dirname, "deployAndPrint.ts");
        execFile(process.execPath, ["-r", "tsx/cjs", script, path.join(__dirname, "programs", program)], (error, stdout, stderr) => {
            resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
        });
    });

describe("deploying a program", function () {
    this.timeout(60_000);

    it("gives it its configuration, and gives back what it exports", async () => {
        const { code, stdout, stderr } = await deploy("nothingInAws.ts");
        expect(stderr).to.equal("");
        expect(code).to.equal(0);
        expect(JSON.parse(stdout)).to.deep.equal({ outputs: { settings: { size: 3 }, length: 16 }, resources: [] });
    });

    it("fails with the name of the resource that could not be made, and does not hang on what waits for it", async () => {
        const { code, stderr } = await deploy("unknownType.ts");
        expect(code).to.equal(1);
        expect(stderr).to.match(
            /could not be deployed onto the local AWS:\n {2}left-out \(aws:ec2\/eip:Eip\): this type is not in the deploy table/,
        );
        expect(stderr).to.not.match(/waits/);
    });
});
