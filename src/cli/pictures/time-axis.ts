/** The time axis under a picture: ticks at round times of day, and a mark where idle time was cut out. */
import type { TimeScale } from "../terminal/time-scale.ts";
import { clockText, dateText, secondsOfDay } from "../terminal/time-text.ts";
import { glyphs } from "./glyphs.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** The intervals between ticks that read as round, in seconds. */
const steps = [
  [1, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  [minute, 1, 2, 5, 10, 15, 30],
  [hour, 1, 2, 3, 6, 12],
  [day, 1, 2, 7, 14, 28, 91, 365],
].flatMap(([unit = 1, ...counts]) => counts.map((count) => count * unit));

interface Tick {
  column: number;
  label: string;
}

/** The ticks, and under each its time. */
export function axisLines(scale: TimeScale, columns: number): string[] {
  const step = steps.find((candidate) => fits(scale, candidate)) ?? steps.at(-1) ?? day;
  const ticks = placed([...roundTicks(scale, step), ...startTicks(scale, step)], columns);
  const line = Array.from({ length: columns }, () => "-");
  for (const column of scale.breaks) line[column] = glyphs.gap;
  let labels = "";
  for (const { column, label } of ticks) {
    line[column] = "|";
    labels = labels.padEnd(column) + label;
  }
  return [line.join(""), labels];
}

/** Whether a tick at each step leaves room for the labels, and there are not more than anybody reads. */
function fits(scale: TimeScale, step: number): boolean {
  const room = labelOf(0, step).length + 2;
  return scale.stretches.every(
    ({ start, end, columns }) => (step / (end - start)) * columns >= room,
  );
}

/** The round times of each stretch. */
function roundTicks(scale: TimeScale, step: number): Tick[] {
  return scale.stretches.flatMap(({ start, end }) => {
    const ticks: Tick[] = [];
    const first = start + (step - (sinceRound(start, step) % step)) - step;
    for (let time = first; time <= end + step * 1e-6; time += step) {
      if (time < start - step * 1e-6) continue;
      ticks.push({ column: scale.columnOf(time), label: labelOf(time, step) });
    }
    return ticks;
  });
}

/** A stretch without a round time has the time of its beginning, so that it has one at all. */
function startTicks(scale: TimeScale, step: number): Tick[] {
  return scale.stretches.flatMap(({ start, end, firstColumn }) => {
    const next = start + ((step - (sinceRound(start, step) % step)) % step);
    const fine = Math.min(step, 1);
    return next <= end ? [] : [{ column: firstColumn, label: labelOf(start, fine) }];
  });
}

/** Since the last local midnight; whole days count from one that is the same for every look. */
function sinceRound(time: number, step: number): number {
  if (step < day) return secondsOfDay(time);
  const midnight = Math.round((time - secondsOfDay(time)) / day);
  return (midnight % (step / day)) * day + secondsOfDay(time);
}

function labelOf(time: number, step: number): string {
  if (step >= day) return dateText(time).slice(5);
  // Among hours, a midnight is told by its date.
  if (step >= hour && secondsOfDay(time) < 1) return dateText(time).slice(5);
  if (step >= minute) return clockText(time).slice(0, -3);
  return clockText(time, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
}

/** From the left, those whose labels have room. */
function placed(ticks: readonly Tick[], columns: number): Tick[] {
  const kept: Tick[] = [];
  for (const tick of ticks.toSorted((one, other) => one.column - other.column)) {
    const last = kept.at(-1);
    const from = last === undefined ? 0 : last.column + last.label.length + 1;
    if (tick.column >= from && tick.column + tick.label.length <= columns) kept.push(tick);
  }
  return kept;
}
