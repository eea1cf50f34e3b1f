/** A list of any length of which only what is in view is in the page. One row may be open and as high as it is. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface RowsProps {
    /** What screen readers call it. */
    label: string;
    count: number;
    /** Pixels of a row that is not open. */
    rowHeight: number;
    /** Index of the row that is open; -1: none. */
    open: number;
    /** Scrolls there when it changes. */
    goTo?: { index: number };
    /** @param open whether it is */
    row: (index: number, open: boolean) => ComponentChildren;
    empty: string;
}

/** Rows above and below the view that are made all the same. */
const spare = 8;

export function Rows({ label, count, rowHeight, open, goTo, row, empty }: RowsProps) {
    const frame = useRef<HTMLDivElement>(null);
    const openRow = useRef<HTMLDivElement>(null);
    const [top, setTop] = useState(0);
    const [height, setHeight] = useState(480);
    const [extra, setExtra] = useState(0);
    useLayoutEffect(() => {
        setExtra(open < 0 || !openRow.current ? 0 : Math.max(0, openRow.current.offsetHeight - rowHeight));
    });
    useEffect(() => {
        const measure = () => setHeight(frame.current?.clientHeight ?? 480);
        measure();
        addEventListener("resize", measure);
        return () => removeEventListener("resize", measure);
    }, []);
    useEffect(() => {
        if (goTo && frame.current) frame.current.scrollTop = Math.max(0, goTo.index * rowHeight - rowHeight);
    }, [goTo]);
    const before = (index: number) => index * rowHeight + (open >= 0 && index > open ? extra : 0);
    const first = Math.max(0, Math.floor((top - extra) / rowHeight) - spare);
    const last = Math.min(count, Math.ceil((top + height) / rowHeight) + spare);
    const indexes = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
    if (open >= 0 && open < count && !indexes.includes(open)) indexes.push(open);
    return (
        <div
            class="rows"
            ref={frame}
            role="list"
            tabIndex={0}
            aria-label={label}
            style={{ height: `${Math.min(Math.max(count * rowHeight + extra, rowHeight * 2), 560)}px` }}
            onScroll={(event) => setTop((event.currentTarget as HTMLDivElement).scrollTop)}
        >
            {count === 0 ? <p class="note">{empty}</p> : null}
            <div style={{ height: `${count * rowHeight + extra}px`, position: "relative" }} role="presentation">
                {indexes.map((index) => (
                    <div
                        key={index}
                        ref={index === open ? openRow : undefined}
                        role="listitem"
                        aria-setsize={count}
                        aria-posinset={index + 1}
                        class={index === open ? "row open" : "row"}
                        style={{ top: `${before(index)}px`, ...(index === open ? { minHeight: `${rowHeight}px` } : { height: `${rowHeight}px` }) }}
                    >
                        {row(index, index === open)}
                    </div>
                ))}
            </div>
        </div>
    );
}
