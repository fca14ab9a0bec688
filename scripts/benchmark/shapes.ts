/** The picture for "Choose the shape": what one section under a lock takes, by how it is done, as bars on a log scale. */
import { figure } from "./statistics.ts";

/** A way to do something under a lock. */
export interface Shape {
  name: string;
  /** What taking and releasing the lock takes. */
  microseconds: number;
}

const width = 640;
const rowHeight = 26;
const labelWidth = 210;
const valueWidth = 80;
const fontStyle = 'font-family="sans-serif" font-size="13"';
/** The scale begins with 1 us. */
const decadesShown = 5;

/** Draws the shapes that were measured, the fastest first. */
export function shapesPicture(shapes: readonly Shape[]): string {
  const measured = shapes
    .filter(({ microseconds }) => Number.isFinite(microseconds))
    .toSorted((one, other) => one.microseconds - other.microseconds);
  const bottom = measured.length * rowHeight + 8;
  const height = bottom + 24;
  const decadeWidth = (width - labelWidth - valueWidth) / decadesShown;
  const ticks = Array.from({ length: decadesShown + 1 }, (_, decade) => {
    const x = labelWidth + decade * decadeWidth;
    const label = timeText(10 ** decade);
    return `<line x1="${x}" y1="4" x2="${x}" y2="${bottom}" stroke="#ccc"/><text x="${x}" y="${bottom + 16}" text-anchor="middle" fill="#666">${label}</text>`;
  });
  const bars = measured.map(({ name, microseconds }, row) => {
    const length = Math.max(1, Math.log10(microseconds) * decadeWidth);
    const y = row * rowHeight + 8;
    const color = name.startsWith("flock") ? "#888" : "#2b6cb0";
    return [
      `<text x="${labelWidth - 8}" y="${y + 14}" text-anchor="end" fill="#222">${name}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="18" fill="${color}"/>`,
      `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 14}" fill="#222">${timeText(microseconds)}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${fontStyle}>`,
    "<title>What taking and releasing a lock takes, by how it is done</title>",
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...ticks,
    ...bars,
    "</svg>\n",
  ].join("\n");
}

function timeText(microseconds: number): string {
  return microseconds < 1000 ? `${figure(microseconds)} µs` : `${figure(microseconds / 1000)} ms`;
}
