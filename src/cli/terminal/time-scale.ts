/** Times on the columns of a picture, without the long idle times between them. */

export interface Span {
  /** Seconds, on one clock. */
  start: number;
  end: number;
}

/** A stretch of time that has columns of its own. */
export interface Stretch extends Span {
  firstColumn: number;
  columns: number;
}

/** An idle time is cut out when it is longer than this part of all that is not idle. */
const longIdleShare = 0.25;

/** A time that lasts no time still needs a length, in seconds. */
const shortestSeconds = 0.001;

export class TimeScale {
  readonly #stretches: Stretch[] = [];
  /** The columns that stand for an idle time that was cut out. */
  readonly breaks: number[] = [];
  /** How much idle time was cut out. */
  readonly cutSeconds: number;

  /**
   * @param spans the times in which something was the case, at least one
   * @param columns what the whole of it takes, at least one
   */
  constructor(spans: readonly Span[], columns: number) {
    const busy = stretchesOf(spans, columns);
    const kept = lengthOf(busy);
    this.cutSeconds = (busy.at(-1)?.end ?? 0) - (busy[0]?.start ?? 0) - kept;
    const available = columns - (busy.length - 1);
    let seconds = 0;
    let column = 0;
    for (const [index, { start, end }] of busy.entries()) {
      if (index > 0) {
        this.breaks.push(column);
        column += 1;
      }
      seconds += end - start;
      // Each has at least one column, and leaves one to each that comes.
      const ideal = Math.round((seconds / kept) * available) + index;
      const most = columns - 2 * (busy.length - 1 - index);
      const next = Math.max(column + 1, Math.min(ideal, most));
      this.#stretches.push({ start, end, firstColumn: column, columns: next - column });
      column = next;
    }
  }

  /** The stretches of time that are shown, in order. */
  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  /** The column that a time is in; the last one of its stretch for its end. */
  columnOf(time: number): number {
    return Math.min(this.borderOf(time), this.lastColumnOf(time));
  }

  /** The border between columns that is nearest to a time: 0 is the left one of all. */
  borderOf(time: number): number {
    const { start, end, firstColumn, columns } = this.#stretchOf(time);
    return (
      firstColumn + Math.round(Math.max(0, Math.min(1, (time - start) / (end - start))) * columns)
    );
  }

  /** The last column of the stretch that a time is in. */
  lastColumnOf(time: number): number {
    const { firstColumn, columns } = this.#stretchOf(time);
    return firstColumn + columns - 1;
  }

  /** The time at the left border of a column. */
  timeAt(column: number): number {
    const stretch =
      this.#stretches.findLast(({ firstColumn }) => firstColumn <= column) ?? this.#first;
    const share = Math.min(1, (column - stretch.firstColumn) / stretch.columns);
    return stretch.start + share * (stretch.end - stretch.start);
  }

  #stretchOf(time: number): Stretch {
    return this.#stretches.findLast(({ start }) => start <= time) ?? this.#first;
  }

  get #first(): Stretch {
    const [first] = this.#stretches;
    if (first === undefined) throw new RangeError("Cannot scale a time without anything in it");
    return first;
  }
}

/** The spans with the short idle times between them; with all of those, when there are too many for the columns. */
function stretchesOf(spans: readonly Span[], columns: number): Span[] {
  const merged = merge(spans);
  const joined = join(merged, lengthOf(merged) * longIdleShare);
  return joined.length * 3 > columns ? join(merged, Infinity) : joined;
}

/** The spans without overlaps, in their order. */
function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.start - other.start)) {
    const last = merged.at(-1);
    const end = Math.max(span.end, span.start + shortestSeconds);
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start: span.start, end });
  }
  return merged;
}

/** Joins spans with no longer time between them than this. */
function join(merged: readonly Span[], idleSeconds: number): Span[] {
  const joined: Span[] = [];
  for (const { start, end } of merged) {
    const last = joined.at(-1);
    if (last !== undefined && start - last.end <= idleSeconds) last.end = end;
    else joined.push({ start, end });
  }
  return joined;
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}
