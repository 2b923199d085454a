/**
 * The borders and coasts of countries (Natural Earth, 1:110 million), as the build makes them of the package world-atlas: lines
 * apart by spaces, each the first point and then the steps to the next, in fifths of a degree. A number is 2n, or -2n-1 below
 * zero, in digits of five bits, the lowest first: the last from "?" on, the others 32 higher.
 */

/** unpack reads lines of numbers: longitude, latitude, longitude, and so on, in degrees. */
export function unpack(text: string, step: number): number[][] {
  return text.split(" ").map((line) => {
    const out: number[] = [];
    let x = 0, y = 0;
    for (let i = 0; i < line.length;) {
      const next = () => {
        let n = 0, bits = 0, c = 0;
        do {
          c = line.charCodeAt(i++) - 63;
          n += (c & 31) << bits;
          bits += 5;
        } while (c >= 32);
        return n & 1 ? -(n + 1) / 2 : n / 2;
      };
      x += next();
      y += next();
      out.push(x * step, y * step);
    }
    return out;
  });
}

let lines: Promise<number[][]> | undefined;

/** borders loads the lines, once. */
export const borders = (): Promise<number[][]> => (lines ??= import("atlas:borders").then((m) => unpack(m.default, m.step)));

/** pathOf draws what of the lines may be seen between two longitudes and two latitudes. */
export function pathOf(all: number[][], west: number, east: number, south: number, north: number, x: (lon: number) => number, y: (lat: number) => number): string {
  let d = "";
  for (const line of all) {
    let pen = false;
    for (let i = 2; i < line.length; i += 2) {
      const [a, b, c, e] = [line[i - 2]!, line[i - 1]!, line[i]!, line[i + 1]!];
      if (Math.max(a, c) < west || Math.min(a, c) > east || Math.max(b, e) < south || Math.min(b, e) > north || Math.abs(a - c) > 180) {
        pen = false;
        continue;
      }
      if (!pen) d += `M${x(a).toFixed(1)} ${y(b).toFixed(1)}`;
      d += `L${x(c).toFixed(1)} ${y(e).toFixed(1)}`;
      pen = true;
    }
  }
  return d;
}
