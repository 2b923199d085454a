// A bar for each row: what people draw first of a result.
const line = 26;

export function Bars(p: { title: string; rows: [string, number][] }) {
  const most = Math.max(...p.rows.map((r) => r[1]), 1e-9);
  return (
    <figure class="bars">
      <figcaption>{p.title}</figcaption>
      <svg viewBox={`0 0 420 ${p.rows.length * line}`} role="img" aria-label={p.title}>{p.rows.map(([label, v], i) => {
        const w = Math.max(1, (Math.max(0, v) / most) * 230);
        return (
          <g transform={`translate(0 ${i * line})`}>
            <text x={102} y={16} class="l">{label.length > 16 ? label.slice(0, 15) + "…" : label}</text>
            <rect x={110} y={4} width={w} height={17} rx={2} />
            <text x={116 + w} y={16}>{Math.abs(v) < 1000 ? Number(v.toFixed(3)).toLocaleString("en") : Math.round(v).toLocaleString("en")}</text>
          </g>
        );
      })}</svg>
    </figure>
  );
}
