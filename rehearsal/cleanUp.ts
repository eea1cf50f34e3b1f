/** Things to undo when a rehearsal ends, whichever way it ends. */
export class CleanUp {
    private readonly tasks: { what: string; undo: () => Promise<void> }[] = [];
    private running: Promise<void> | null = null;

    /** @param what for the message when undoing fails. */
    add(what: string, undo: () => Promise<void>): void {
        this.tasks.push({ what, undo });
    }

    /** Undoes everything once, the last first. A failure is told and does not keep the rest from being undone. */
    run(): Promise<void> {
        this.running ??= this.undoAll();
        return this.running;
    }

    private async undoAll(): Promise<void> {
        for (let task = this.tasks.pop(); task; task = this.tasks.pop()) {
            try {
                await task.undo();
            } catch (error) {
                process.stderr.write(`Could not clean up ${task.what}: ${error instanceof Error ? error.message : String(error)}\n`);
            }
        }
    }
}
