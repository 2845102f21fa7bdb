// Draws the panels of one dashboard: asks /api/ds/query for each, and draws the data frames that it answers.
"use strict";

const MODEL = JSON.parse(document.getElementById("model").textContent);
const PALETTE = ["#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#8AB8FF", "#FFB357", "#96D98D", "#CA95E5"];
const NAMED = { green: "#73BF69", yellow: "#FADE2A", orange: "#FF9830", red: "#F2495C", blue: "#5794F2", purple: "#B877D9",
  text: "#CCCCDC", transparent: "rgba(0,0,0,0)", gray: "#8E8E99", white: "#FFFFFF", black: "#000000" };
const SHADES = { "super-light-": 1.45, "light-": 1.2, "semi-dark-": 0.8, "dark-": 0.65 };
// ---- elements and colours
function el(tag, attributes = {}, ...children) {
  const made = document.createElementNS(/^(svg|path|text)$/.test(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}
function colour(name) {
  if (!name || /^(#|rgb)/.test(name)) return name;
  const shade = Object.keys(SHADES).find((each) => name.startsWith(each));
  const base = NAMED[shade ? name.slice(shade.length) : name] || NAMED.text;
  if (!shade) return base;
  const parts = base.match(/\w\w/g).map((hex) => Math.min(255, Math.round(parseInt(hex, 16) * SHADES[shade])));
  return `rgb(${parts.join(",")})`;
}
function faded(name, share) {
  const parts = (colour(name).match(/^#/) ? colour(name).match(/\w\w/g).map((hex) => parseInt(hex, 16)) : colour(name).match(/[\d.]+/g)).slice(0, 3);
  return `rgba(${parts.join(",")},${share})`;
}
function safeUrl(url) { return /^(https?:\/\/|\/(?!\/)|#|\?)/.test(url) ? url : "#"; }
function exploreUrl(uid, query) {
  const pane = { datasource: uid, queries: [{ refId: "A", datasource: { uid }, ...query }], range: MODEL.range };
  return `/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;
}

const pattern = (text) => new RegExp(text.replace(/^\/|\/$/g, ""));
// ---- numbers in units
function scaled(value, steps, decimals) {
  const size = Math.abs(value);
  const step = [...steps].reverse().find(([least]) => size >= least) || steps[0];
  return [digits(value / (step[0] || 1), decimals), step[1]];
}
function digits(value, decimals) {
  const size = Math.abs(value);
  const places = decimals ?? (size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
  const text = value.toFixed(Math.min(places, 20));
  return decimals == null && text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
const series = (base, names) => names.map((name, place) => [place ? base ** place : 0, name]);
const TIMES = [[1e-9, " ns"], [1e-6, " µs"], [1e-3, " ms"], [1, " s"], [60, " min"], [3600, " h"], [86400, " d"], [604800, " w"], [31557600, " y"]];
const SHORT = series(1000, ["", " K", " Mil", " Bil", " Tri"]);
const many = (steps, tail = "") => (v, d) => scaled(v, steps, d).join("") + tail;
const time = (unit) => (v, d) => v === 0 ? `0 ${unit[1]}` : scaled(v * unit[0], TIMES, d).join("");
const rate = (name) => (v, d) => `${scaled(v, series(1000, ["", "K", "M", "G"]), d).join("")} ${name}`;
const money = (sign) => (v, d) => (v < 0 ? "-" : "") + sign + (Math.abs(v) < 1000 ? Math.abs(v).toFixed(d ?? (Math.abs(v) < 0.1 && v ? 4 : 2)) : scaled(Math.abs(v), series(1000, ["", "K", "M", "B"]), d ?? 1).join(""));
const date = (v) => new Date(v).toISOString().slice(0, 19).replace("T", " ");
const iec = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].map((each) => ` ${each}`), si = ["B", "kB", "MB", "GB", "TB", "PB"].map((each) => ` ${each}`);
const RATES = { reqps: "req/s", ops: "ops/s", cps: "c/s", rps: "rd/s", wps: "wr/s", eps: "evt/s", opm: "ops/m", cpm: "c/m" };
const SPANS = { ns: [1e-9, "ns"], "µs": [1e-6, "µs"], ms: [1e-3, "ms"], s: [1, "s"], m: [60, "min"], h: [3600, "h"], d: [86400, "d"], dtdurations: [1, "s"] };
const UNITS = {
  none: (v, d) => digits(v, d), string: (v) => String(v), short: many(SHORT), locale: (v, d) => v.toLocaleString("en-US", { maximumFractionDigits: d ?? 3 }),
  percent: (v, d) => `${digits(v, d)}%`, percentunit: (v, d) => `${digits(v * 100, d)}%`, bool_yes_no: (v) => (v ? "Yes" : "No"),
  bytes: many(series(1024, iec)), decbytes: many(series(1000, si)), binBps: many(series(1024, iec), "/s"), Bps: many(series(1000, si), "/s"),
  hertz: many(series(1000, [" Hz", " kHz", " MHz", " GHz"])), currencyUSD: money("$"), currencyEUR: money("€"), dateTimeAsIso: date,
  dateTimeFromNow: (v) => (v > Date.now() ? `in ${UNITS.ms(v - Date.now())}` : `${UNITS.ms(Date.now() - v)} ago`),
  ...Object.fromEntries(Object.entries(RATES).map(([name, text]) => [name, rate(text)])), ...Object.fromEntries(Object.entries(SPANS).map(([name, unit]) => [name, time(unit)])),
};
function shown(value, config) {
  if ((mapping(value, config) || {}).text) return mapping(value, config).text;
  if (value === null || value === undefined || value === "") return config.noValue ?? "";
  if (typeof value === "number" && !Number.isFinite(value)) return { NaN: "NaN", Infinity: "∞", "-Infinity": "-∞" }[String(value)];
  if (typeof value !== "number") return typeof value === "object" ? JSON.stringify(value) : String(value);
  const unit = config.unit || (config.kind === "time" ? "dateTimeAsIso" : "none");
  if (/^(suf|pre)fix:/.test(unit)) return unit[0] === "s" ? `${digits(value, config.decimals)} ${unit.slice(7)}` : unit.slice(7) + digits(value, config.decimals);
  return (UNITS[unit] || UNITS.none)(value, config.decimals ?? undefined);
}
function mapping(value, config) {
  const empty = { null: value === null, nan: Number.isNaN(value), "null+nan": value === null || Number.isNaN(value) };
  const hit = (config.mappings || []).find(({ type, options }) => (type === "value" ? options[String(value)] : type === "special" ? empty[options.match]
    : type === "regex" ? pattern(options.pattern).test(String(value)) : value !== null && value >= (options.from ?? -Infinity) && value <= (options.to ?? Infinity)));
  return hit ? (hit.type === "value" ? hit.options[String(value)] : hit.options.result) : null;
}
function steps(config, range) {
  const { mode, steps: found = [] } = config.thresholds || {}, [low, high] = range || [config.min ?? 0, config.max ?? 100];
  return found.map(({ value, color }) => ({ value: value ?? -Infinity, color })).map((each) =>
    mode === "percentage" && Number.isFinite(each.value) ? { ...each, value: low + (each.value / 100) * (high - low) } : each);
}
function paint(value, config, place = 0) {
  if ((mapping(value, config) || {}).color) return colour(mapping(value, config).color);
  const { mode = "thresholds", fixedColor } = config.color || {};
  if (mode === "fixed") return colour(fixedColor);
  if (mode.startsWith("palette")) return PALETTE[place % PALETTE.length];
  const reached = steps(config).filter((step) => value !== null && value >= step.value).pop();
  return colour(reached ? reached.color : (config.thresholds ? steps(config)[0]?.color : null) || "text");
}
// ---- frames: from the wire, named and configured
function decoded({ schema, data }) {
  const fields = schema.fields.map((each, place) => {
    const values = [...(data.values[place] || [])], odd = (data.entities && data.entities[place]) || {};
    for (const [name, value] of [["NaN", NaN], ["Inf", Infinity], ["NegInf", -Infinity]]) for (const at of odd[name] || []) values[at] = value;
    return { ...each, values, labels: each.labels || {} };
  });
  return { refId: schema.refId, name: schema.name || "", meta: schema.meta || {}, fields, length: fields[0] ? fields[0].values.length : 0 };
}
function label(field, frame) {
  return (field.config && (field.config.displayName || field.config.displayNameFromDS)) || (field.name === "Value" && frame.name) || field.name;
}
function configured(panel, frames) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig || {};
  for (const frame of frames) for (const field of frame.fields) {
    const own = field.config || {}, title = label(field, frame), number = field.type === "number";
    const config = { ...defaults, ...(number ? {} : { unit: undefined, thresholds: undefined }), ...own, custom: { ...(defaults.custom || {}) }, kind: field.type, title };
    for (const { matcher: { id, options }, properties } of overrides) {
      const hit = { byName: options === title || options === field.name, byFrameRefID: number && options === frame.refId, byType: options === field.type, byRegexp: id === "byRegexp" && pattern(options).test(title) };
      if (hit[id]) for (const each of properties) Object.assign(each.id.startsWith("custom.") ? config.custom : config, { [each.id.replace("custom.", "")]: each.value });
    }
    if (config.displayName) config.title = config.displayName;
    field.set = config;
  }
  return frames;
}
function numbers(frames) { return frames.flatMap((frame) => frame.fields.filter((each) => each.type === "number" && !(each.set.custom.hideFrom || {}).viz).map((field) => ({ frame, field, config: field.set, times: (frame.fields.find((each) => each.type === "time") || { values: [] }).values }))); }
const good = (v) => v.filter((each) => each !== null && !Number.isNaN(each)), finite = (v) => v.filter((each) => Number.isFinite(each));
const CALCS = {
  lastNotNull: (v) => good(v).pop() ?? null, firstNotNull: (v) => good(v)[0] ?? null, last: (v) => v[v.length - 1] ?? null, count: (v) => v.length,
  min: (v) => (finite(v).length ? Math.min(...finite(v)) : null), max: (v) => (finite(v).length ? Math.max(...finite(v)) : null),
  sum: (v) => finite(v).reduce((all, each) => all + each, 0), mean: (v) => (finite(v).length ? CALCS.sum(v) / finite(v).length : null),
  range: (v) => CALCS.max(v) - CALCS.min(v), diff: (v) => CALCS.lastNotNull(v) - CALCS.firstNotNull(v),
};
// ---- transformations
function asTable(frames, refs) {
  const made = new Map();
  for (const frame of frames.filter((each) => refs.has(each.refId) && each.meta.custom && each.meta.custom.resultType)) {
    const number = frame.fields.find((each) => each.type === "number");
    made.set(frame.refId, [...(made.get(frame.refId) || []), ...frame.fields[0].values.map((at, row) => ({ at, labels: number.labels, value: number.values[row] }))]);
  }
  const tables = [...made].map(([refId, rows]) => {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].sort();
    const columns = names.map((name) => ({ name, type: "string", labels: {}, values: rows.map((row) => row.labels[name] ?? "") }));
    const fields = [{ name: "Time", type: "time", labels: {}, values: rows.map((row) => row.at) }, ...columns,
      { name: made.size > 1 ? `Value #${refId}` : "Value", type: "number", labels: {}, values: rows.map((row) => row.value) }];
    return { refId, name: "", meta: {}, fields, length: rows.length };
  });
  return [...frames.filter((each) => !made.has(each.refId)), ...tables];
}
function joined(frames, keys) {
  const by = keys || frames[0].fields.map((each) => each.name).filter((name) => frames.every((frame) => frame.fields.some((each) => each.name === name)));
  const rows = new Map(), columns = new Map();
  frames.forEach((frame) => frame.fields.forEach((each) => {
    const name = by.includes(each.name) ? each.name : label(each, frame);
    if (!columns.has(name)) columns.set(name, { ...each, name, values: [] });
    each.values.forEach((value, at) => {
      const key = JSON.stringify(by.map((part) => (frame.fields.find((one) => one.name === part) || { values: [] }).values[at]));
      rows.set(key, { ...rows.get(key), [name]: value });
    });
  }));
  for (const row of rows.values()) for (const [name, column] of columns) column.values.push(row[name] ?? null);
  return [{ refId: frames[0].refId, name: "", meta: {}, fields: [...columns.values()], length: rows.size }];
}
function reordered(frame, order) { return { ...frame, length: order.length, fields: frame.fields.map((each) => ({ ...each, values: order.map((at) => each.values[at]) })) }; }
function ordered(frame, field, rule) {
  const rows = [...Array(frame.length).keys()], values = field && field.values;
  return field ? rows.sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0) * (rule.desc ? -1 : 1)) : rows;
}
const TRANSFORMATIONS = {
  merge: (frames) => (frames.length > 1 ? joined(frames) : frames),
  joinByField: (frames, { byField = "Time" }) => (frames.length > 1 ? joined(frames, [byField]) : frames),
  organize: (frames, { excludeByName = {}, indexByName = {}, renameByName = {} }) => frames.map((frame) => ({ ...frame, fields: frame.fields
    .filter((each) => !excludeByName[label(each, frame)]).sort((a, b) => (indexByName[label(a, frame)] ?? 99) - (indexByName[label(b, frame)] ?? 99))
    .map((each) => (renameByName[label(each, frame)] ? { ...each, name: renameByName[label(each, frame)], config: { ...each.config, displayNameFromDS: renameByName[label(each, frame)] } } : each)) })),
  renameByRegex: (frames, { regex, renamePattern }) => frames.map((frame) => ({ ...frame, fields: frame.fields.map((each) => ({ ...each,
    config: { ...each.config, displayNameFromDS: label(each, frame).replace(new RegExp(regex), renamePattern) } })) })),
  filterFieldsByName: (frames, { include, exclude }) => frames.map((frame) => ({ ...frame, fields: frame.fields.filter((each) => {
    const fits = (rule) => (rule.names || []).includes(label(each, frame)) || (rule.pattern && pattern(rule.pattern).test(label(each, frame)));
    return (!include || fits(include)) && (!exclude || !fits(exclude));
  }) })),
  sortBy: (frames, { sort = [] }) => frames.map((frame) => reordered(frame, ordered(frame, frame.fields.find((each) => sort[0] && label(each, frame) === sort[0].field), sort[0]))),
  limit: (frames, { limitField = 10 }) => frames.map((frame) => reordered(frame, [...Array(Math.min(frame.length, limitField)).keys()])),
  reduce: (frames, { reducers = ["lastNotNull"] }) => {
    const found = frames.flatMap((frame) => frame.fields.filter((each) => each.type === "number").map((field) => ({ field, name: label(field, frame) })));
    const fields = [{ name: "Field", type: "string", labels: {}, values: found.map((each) => each.name) }, ...reducers.map((name) => ({ name, type: "number", labels: {}, values: found.map(({ field }) => CALCS[name](field.values)) }))];
    return [{ refId: "A", name: "", meta: {}, fields, length: found.length }];
  },
};
// ---- drawing
const NO_DATA = () => el("div", { class: "nodata" }, "No data"), GRID = "rgba(204,204,220,0.10)";
function plot(body, traces, layout) {
  body.querySelectorAll(".nodata").forEach((each) => each.remove());
  const place = body.querySelector(".plot") || body.appendChild(el("div", { class: "plot" })), font = { color: "#CCCCDC", size: 11, family: "inherit" };
  Plotly.react(place, traces, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, showlegend: false, margin: { l: 58, r: 12, t: 6, b: 24 },
    hoverlabel: { bgcolor: "#22252B", bordercolor: "#44474F", font, align: "left" }, ...layout }, { displayModeBar: false, responsive: true });
}
function ticks(low, high, config, count = 5) {
  const base = /^(bytes|binBps)$/.test(config.unit || "") ? 1024 : 10;
  const rough = (high - low) / count || 1, power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const step = (base === 10 ? [1, 2, 2.5, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]).map((each) => each * power).find((each) => each >= rough * 0.999);
  const first = Math.ceil(low / step), values = [...Array(Math.max(0, Math.floor(high / step + 1e-6) - first + 1)).keys()].map((place) => (first + place) * step);
  return { tickvals: values, ticktext: values.map((each) => shown(each, { ...config, mappings: [] })) };
}
function axis(found, config, stacked) {
  const values = stacked ? Object.values(found.reduce((sums, { times, field }) => { times.forEach((at, i) => { sums[at] = (sums[at] || 0) + (field.values[i] || 0); }); return sums; }, {})) : found.flatMap(({ field }) => finite(field.values));
  let low = config.min ?? Math.min(...values), high = config.max ?? Math.max(...values);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (config.min == null && (low > 0 && (stacked || low < high * 0.5))) low = 0;
  if (low === high) [low, high] = low ? [Math.min(0, low), Math.max(0, high) * 1.2] : [0, 1];
  else if (config.max == null) high += (high - low) * 0.05;
  return { range: [low, high], ...ticks(low, high, config), gridcolor: GRID, zeroline: false, fixedrange: true };
}
function gaps(times, values, step, span) {
  if (span || !step) return [times, values];
  const x = [], y = [];
  times.forEach((at, i) => { if (i && at - times[i - 1] > step * 1.5) { x.push(times[i - 1] + step); y.push(null); } x.push(at); y.push(values[i]); });
  return [x, y];
}
function legendOf(panel, body, items) {
  const { showLegend = true, displayMode = "list", placement = "bottom", calcs = [] } = (panel.options || {}).legend || {};
  body.querySelectorAll(".legend").forEach((each) => each.remove());
  body.classList.toggle("beside", placement === "right" && showLegend);
  if (!showLegend || displayMode === "hidden") return;
  const rows = items.map(({ name, color, config, values }) => el("div", { class: "item", title: name }, el("i", { style: `background:${color}` }), el("span", {}, name), ...calcs.map((calc) => el("b", { title: calc }, shown(CALCS[calc](values), { ...config, mappings: [] })))));
  const heads = calcs.length ? [el("div", { class: "item heads" }, el("span"), ...calcs.map((calc) => el("b", {}, calc === "lastNotNull" ? "last" : calc)))] : [];
  body.append(el("div", { class: `legend ${displayMode}` }, ...heads, ...rows));
}
function timeseries(panel, body, frames) {
  const dots = frames.filter((each) => each.name === "exemplar"), found = numbers(frames.filter((each) => each.name !== "exemplar"));
  if (!found.length) return body.replaceChildren(NO_DATA());
  const first = found[0].config, stacked = found.some(({ config }) => ((config.custom || {}).stacking || {}).mode === "normal");
  const right = found.filter(({ config }) => config.custom.axisPlacement === "right"), left = found.filter((each) => !right.includes(each));
  const traces = found.map(({ field, config, times }, place) => {
    const { drawStyle = "line", fillOpacity = 0, lineWidth = 1, lineInterpolation, spanNulls, showPoints, lineStyle = {} } = config.custom;
    const color = paint(CALCS.lastNotNull(field.values), { color: { mode: "palette-classic" }, ...config }, place);
    const step = ((found[place].frame.fields.find((each) => each.type === "time") || {}).config || {}).interval;
    const [x, y] = gaps(times, field.values.map((value) => (Number.isFinite(value) ? value : null)), drawStyle === "line" && step, spanNulls);
    const text = y.map((value) => (value === null ? "" : shown(value, config)));
    const common = { x, y, text, name: config.title, hovertemplate: "%{x|%d %b %H:%M:%S}<br>%{fullData.name}: <b>%{text}</b><extra></extra>", textposition: "none", yaxis: right.includes(found[place]) ? "y2" : "y" };
    if (drawStyle === "bars") return { ...common, type: "bar", marker: { color: faded(color, Math.max(fillOpacity, 60) / 100) } };
    const mode = drawStyle === "points" ? "markers" : showPoints === "always" || times.length < 3 ? "lines+markers" : "lines";
    const line = { color, width: lineWidth, shape: { smooth: "spline", stepAfter: "hv", stepBefore: "vh" }[lineInterpolation] || "linear", dash: lineStyle.fill === "dash" ? "dash" : lineStyle.fill === "dot" ? "dot" : "solid" };
    return { ...common, type: "scatter", mode, line, marker: { color, size: 5 }, connectgaps: Boolean(spanNulls), fill: stacked ? "tonexty" : fillOpacity ? "tozeroy" : "none", fillcolor: faded(color, fillOpacity / 100), ...(stacked ? { stackgroup: "one" } : {}) };
  });
  for (const frame of dots) {
    const [at, value, id] = ["Time", "Value", "trace_id"].map((name) => (frame.fields.find((each) => each.name === name) || { values: [] }).values);
    traces.push({ x: at, y: value, customdata: id, type: "scatter", mode: "markers", marker: { symbol: "diamond", size: 8, color: "#8AB8FF" }, name: "exemplar", hovertemplate: "exemplar %{customdata}<extra></extra>" });
  }
  const mode = (first.custom.thresholdsStyle || {}).mode || "off", y = axis(left.length ? left : found, first, stacked);
  const shapes = mode === "off" ? [] : steps(first).filter((each) => Number.isFinite(each.value)).map((each) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: each.value, y1: each.value, line: { color: colour(each.color), width: 1, dash: mode.includes("dash") ? "dash" : "solid" } }));
  if ((first.custom.scaleDistribution || {}).type === "log") Object.assign(y, { type: "log", range: undefined, tickvals: undefined, ticktext: undefined });
  const second = right.length ? { yaxis2: { ...axis(right, right[0].config, false), overlaying: "y", side: "right", showgrid: false } } : {};
  legendOf(panel, body, found.map(({ field, config }, place) => ({ name: config.title, color: (traces[place].line || traces[place].marker).color, config, values: field.values })));
  plot(body, traces, { xaxis: timeAxis(panel), yaxis: y, ...second, barmode: stacked ? "stack" : "group", bargap: found[0].times.length > 100 ? 0 : 0.15, shapes, hovermode: "closest", margin: { l: 58, r: right.length ? 58 : 12, t: 6, b: 24 } });
  body.querySelector(".plot").removeAllListeners("plotly_click");
  body.querySelector(".plot").on("plotly_click", ({ points }) => { if (points[0].customdata) location.assign(exploreUrl("tempo", { query: points[0].customdata, queryType: "traceql" })); });
}
function timeAxis(panel) { return { type: "date", range: panel.span, gridcolor: GRID, zeroline: false, fixedrange: true, tickformat: panel.span[1] - panel.span[0] > 172800000 ? "%d %b" : "%H:%M", nticks: Math.max(3, Math.round((panel.gridPos || { w: 12 }).w * 0.6)) }; }
function reduced(panel, frames) {
  const { calcs = ["lastNotNull"], values } = (panel.options || {}).reduceOptions || {};
  return numbers(frames).flatMap(({ frame, field, config, times }) => (values ? field.values.map((value, row) => ({ value, config: { ...config, title: (frame.fields.find((each) => each.type === "string") || { values: [] }).values[row] ?? config.title }, field, times: [] }))
    : [{ value: (CALCS[calcs[0]] || CALCS.lastNotNull)(field.values), config, field, times }]));
}
function stat(panel, body, frames) {
  const { colorMode = "value", graphMode = "area", textMode = "auto" } = panel.options || {}, found = reduced(panel, frames);
  if (!found.length && !(panel.fieldConfig.defaults || {}).noValue) return body.replaceChildren(NO_DATA());
  const items = found.length ? found : [{ value: null, config: panel.fieldConfig.defaults, field: { values: [] }, times: [] }];
  body.replaceChildren(el("div", { class: "stats" }, ...items.map(({ value, config, field, times }, place) => {
    const color = paint(value, config, place), back = colorMode.startsWith("background"), area = graphMode === "area" && times.length > 1 ? spark(times, field.values, back ? "#FFFFFF" : color) : undefined;
    const name = textMode === "value_and_name" || textMode === "name" || (textMode === "auto" && items.length > 1) ? el("small", {}, config.title) : undefined;
    const text = shown(value, config) || "No data", size = Math.min(42, 300 / items.length / Math.max(4, text.length) + 12);
    return el("div", { class: "stat", style: back ? `background:${faded(color, 0.75)}` : "" }, area, name, el("strong", { style: `font-size:${size}px;color:${back ? "#FFF" : colorMode === "none" ? NAMED.text : color}` }, textMode === "name" ? config.title : text));
  })));
}
function spark(times, values, color) {
  const low = Math.min(0, CALCS.min(values) ?? 0), high = CALCS.max(values) ?? 1, [from, to] = [times[0], times[times.length - 1]];
  const points = times.map((at, i) => [((at - from) / (to - from || 1)) * 100, 30 - (((values[i] ?? low) - low) / (high - low || 1)) * 28]).filter((each) => each.every(Number.isFinite)).map((each) => each.map((one) => one.toFixed(2)).join(","));
  return el("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none" }, el("path", { d: `M0,30 L${points.join(" L")} L100,30 Z`, fill: faded(color, 0.18) }), el("path", { d: `M${points.join(" L")}`, fill: "none", stroke: color, "stroke-width": 1, "vector-effect": "non-scaling-stroke" }));
}
function arc(from, to, radius) {
  const at = (share) => { const angle = Math.PI * (1 - share); return [50 + radius * Math.cos(angle), 50 - radius * Math.sin(angle)].map((each) => each.toFixed(2)).join(","); };
  return `M${at(from)} A${radius},${radius} 0 0 1 ${at(to)}`;
}
function bounds(found, config) { const values = found.map((each) => each.value).filter(Number.isFinite); return [config.min ?? 0, config.max ?? (config.unit === "percentunit" ? 1 : config.unit === "percent" ? 100 : Math.max(...values, 0) || 1)]; }
function gauge(panel, body, frames) {
  const found = reduced(panel, frames);
  if (!found.length) return body.replaceChildren(NO_DATA());
  body.replaceChildren(el("div", { class: "stats" }, ...found.map(({ value, config }, place) => {
    const [low, high] = bounds(found, config), share = (at) => Math.max(0, Math.min(1, (at - low) / (high - low || 1))), marks = steps(config, [low, high]);
    const bands = marks.map((each, i) => el("path", { d: arc(share(each.value), marks[i + 1] ? share(marks[i + 1].value) : 1, 44), stroke: colour(each.color), "stroke-width": 2, fill: "none" }));
    const drawn = el("svg", { viewBox: "0 0 100 58", class: "gauge" }, el("path", { d: arc(0, 1, 37), stroke: "#2C2F36", "stroke-width": 10, fill: "none" }),
      el("path", { d: arc(0, Math.max(0.001, share(value ?? low)), 37), stroke: paint(value, config, place), "stroke-width": 10, fill: "none" }), ...bands, el("text", { x: 50, y: 50, "text-anchor": "middle", fill: paint(value, config, place), "font-size": 13 }, shown(value, config) || "No data"));
    return el("div", { class: "stat" }, drawn, found.length > 1 ? el("small", {}, config.title) : undefined);
  })));
}
function bargauge(panel, body, frames) {
  const found = reduced(panel, frames);
  if (!found.length) return body.replaceChildren(NO_DATA());
  body.replaceChildren(el("div", { class: "bars" }, ...found.map(({ value, config }, place) => {
    const [low, high] = bounds(found, config), color = paint(value, config, place), share = Math.max(0, Math.min(100, ((value - low) / (high - low || 1)) * 100));
    return el("div", { class: "bar" }, el("span", { title: config.title }, config.title), el("div", {}, el("i", { style: `width:${share}%;background:${faded(color, 0.7)}` })), el("b", { style: `color:${color}` }, shown(value, config)));
  })));
}
function filled(text, { value, config, field, frame, row }) {
  const parts = { "__value.raw": value, "__value.text": shown(value, config), "__value.numeric": value, "__field.name": config.title };
  return text.replace(/\$\{(__[a-z]+[^}:]*)(?::\w+)?\}/g, (whole, name) => {
    const inside = name.match(/^__data\.fields(?:\.([\w-]+)|\[["'](.+)["']\])$/), of = name.match(/^__field\.labels(?:\.([\w-]+)|\[["'](.+)["']\])$/);
    const found = of ? field.labels[of[1] || of[2]] : inside ? (frame.fields.find((each) => [each.name, each.set.title].includes(inside[1] || inside[2])) || { values: [] }).values[row] : parts[name];
    return found === undefined ? whole : encodeURIComponent(found);
  });
}
function cell(field, frame, row) {
  const value = field.values[row], config = field.set, style = (config.custom.cellOptions || {}).type || "";
  const color = config.thresholds || config.mappings ? paint(value, config) : "", text = shown(value, config);
  const link = (config.links || [])[0], trace = field.name === "traceID" && exploreUrl("tempo", { query: value, queryType: "traceql" });
  const href = link ? safeUrl(filled(link.url, { value, config, field, frame, row })) : trace;
  const attributes = style.startsWith("color-background") ? `background:${faded(color, 0.6)}` : style === "color-text" ? `color:${color}` : "";
  return el("td", { style: attributes, class: field.type === "number" ? "number" : "" }, href ? el("a", { href, title: link ? link.title : "" }, text) : text);
}
function table(panel, body, frames) {
  const sort = ((panel.options || {}).sortBy || [])[0];
  if (!frames.some((each) => each.length)) return body.replaceChildren(NO_DATA());
  body.replaceChildren(...frames.filter((each) => each.length).slice(0, 10).map((frame) => {
    const columns = frame.fields.filter((each) => !each.set.custom.hidden && !(each.set.custom.hideFrom || {}).viz), by = sort && columns.find((each) => each.set.title === sort.displayName);
    return el("table", {}, el("thead", {}, el("tr", {}, ...columns.map((each) => el("th", { class: each.type === "number" ? "number" : "" }, each.set.title)))), el("tbody", {}, ...ordered(frame, by, sort).slice(0, 500).map((row) => el("tr", {}, ...columns.map((each) => cell(each, frame, row))))));
  }));
}
function logs(panel, body, frames) {
  const rows = frames.flatMap((frame) => { const [labels, times, lines] = ["labels", "Time", "Line"].map((name) => (frame.fields.find((each) => each.name === name) || { values: [] }).values); return lines.map((line, at) => ({ line, at: times[at], labels: labels[at] || {} })); });
  if (!rows.length) return body.replaceChildren(NO_DATA());
  if ((panel.options || {}).sortOrder === "Ascending") rows.reverse();
  body.replaceChildren(el("div", { class: "logs" }, ...rows.map(({ line, at, labels }) => {
    const level = (labels.detected_level || labels.level || labels.severity_text || "").toLowerCase(), id = labels.trace_id || (line.match(/trace_?id["']?[=:] ?["']?([0-9a-f]{32})/i) || [])[1];
    const trace = id ? el("a", { href: exploreUrl("tempo", { query: id, queryType: "traceql" }) }, "trace") : undefined;
    return el("details", { class: `level-${level}` }, el("summary", {}, el("time", {}, date(at).slice(5)), " ", line), el("dl", {}, ...Object.entries(labels).sort().flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, String(value))]), trace));
  })));
}
function heatmap(panel, body, frames) {
  const found = numbers(frames).map((each) => ({ ...each, le: each.field.labels.le ?? each.config.title })).sort((a, b) => parseFloat(a.le.replace("+Inf", "Infinity")) - parseFloat(b.le.replace("+Inf", "Infinity")));
  if (!found.length) return body.replaceChildren(NO_DATA());
  const cumulative = found.every((each) => each.field.labels.le !== undefined), x = [...new Set(found.flatMap((each) => each.times))].sort((a, b) => a - b);
  const at = found.map((each) => new Map(each.times.map((when, i) => [when, each.field.values[i]])));
  const z = at.map((row, i) => x.map((when) => { const value = Math.max(0, (row.get(when) ?? 0) - (cumulative && i ? at[i - 1].get(when) ?? 0 : 0)); return value > 1e-9 ? value : null; }));
  const unit = { unit: ((panel.options || {}).yAxis || {}).unit || found[0].config.unit }, names = found.map(({ le }) => (Number.isFinite(parseFloat(le)) ? shown(parseFloat(le), unit) : le));
  plot(body, [{ type: "heatmap", x, y: names, z, colorscale: [[0, "#23335C"], [0.35, "#6A4C93"], [0.7, "#F2725C"], [1, "#FADE2A"]], showscale: true, xgap: x.length < 150 ? 1 : 0, ygap: 1, colorbar: { thickness: 8, outlinewidth: 0, tickfont: { size: 10 } }, hovertemplate: "%{x|%d %b %H:%M}<br>≤ %{y}: %{z:.3~g}<extra></extra>" }], { xaxis: timeAxis(panel), yaxis: { type: "category", gridcolor: GRID, fixedrange: true, automargin: true } });
}
function stateTimeline(panel, body, frames) {
  const found = numbers(frames), [from, to] = panel.span, share = (at) => ((at - from) / (to - from)) * 100;
  if (!found.length) return body.replaceChildren(NO_DATA());
  const rows = found.map(({ frame, field, config, times }, place) => {
    const step = ((frame.fields.find((each) => each.type === "time") || {}).config || {}).interval || 0, runs = [];
    field.values.forEach((value, i) => { const text = shown(value, config), last = runs[runs.length - 1]; if (last && last.text === text && times[i] - last.end <= step * 1.5) last.end = times[i]; else { if (last && times[i] - last.end <= step * 1.5) last.end = times[i]; runs.push({ text, start: times[i], end: times[i], color: paint(value, config, place) }); } });
    return el("div", { class: "state" }, el("span", { title: config.title }, config.title), el("div", {}, ...runs.map((run) => el("i", { title: `${run.text} · ${date(run.start)} – ${date(run.end)}`, style: `left:${Math.max(0, share(run.start))}%;width:${Math.max(0.3, share(Math.min(to, run.end + step)) - Math.max(0, share(run.start)))}%;background:${faded(run.color, 0.7)}` }, run.text))));
  });
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => el("time", {}, date(from + part * (to - from)).slice(to - from > 172800000 ? 5 : 11, to - from > 172800000 ? 10 : 16)));
  body.replaceChildren(el("div", { class: "states" }, ...rows, el("div", { class: "marks" }, el("span"), el("div", {}, ...marks))));
}
function piechart(panel, body, frames) {
  const found = reduced(panel, frames).filter((each) => each.value > 0);
  if (!found.length) return body.replaceChildren(NO_DATA());
  const colors = found.map(({ value, config }, place) => paint(value, { ...config, color: config.color && config.color.mode === "fixed" ? config.color : { mode: "palette-classic" } }, place));
  legendOf(panel, body, found.map(({ value, config }, place) => ({ name: `${config.title} · ${shown(value, config)}`, color: colors[place], config, values: [value] })));
  plot(body, [{ type: "pie", labels: found.map((each) => each.config.title), values: found.map((each) => each.value), text: found.map((each) => shown(each.value, each.config)), hole: (panel.options || {}).pieType === "donut" ? 0.55 : 0, marker: { colors, line: { color: "#181B1F", width: 2 } }, textinfo: ((panel.options || {}).displayLabels || []).length ? "percent" : "none", hovertemplate: "%{label}: <b>%{text}</b> (%{percent})<extra></extra>", sort: false }], { margin: { l: 8, r: 8, t: 8, b: 8 } });
}
function barchart(panel, body, frames) {
  const { xField, orientation = "auto", stacking = "none" } = panel.options || {}, frame = (frames.length > 1 ? configured(panel, joined(frames)) : frames)[0];
  const found = numbers(frame ? [frame] : []), names = frame && (frame.fields.find((each) => each.set.title === xField || each.name === xField) || frame.fields.find((each) => each.type === "string") || frame.fields.find((each) => each.type === "time"));
  if (!found.length || !names || !frame.length) return body.replaceChildren(NO_DATA());
  const at = names.values.map((each) => shown(each, names.set)), flat = orientation === "horizontal", config = found[0].config;
  const colors = found.map(({ field, config: set }, place) => paint(CALCS.max(field.values), { color: { mode: "palette-classic" }, ...set }, place));
  const traces = found.map(({ field, config: set }, place) => ({ type: "bar", orientation: flat ? "h" : "v", [flat ? "y" : "x"]: at, [flat ? "x" : "y"]: field.values, name: set.title, marker: { color: faded(colors[place], 0.8) }, text: field.values.map((value) => shown(value, set)), textposition: "auto", insidetextfont: { color: "#FFF" }, hovertemplate: `%{${flat ? "y" : "x"}}<br>%{fullData.name}: <b>%{text}</b><extra></extra>` }));
  legendOf(panel, body, found.map(({ field, config: set }, place) => ({ name: set.title, color: colors[place], config: set, values: field.values })));
  const values = { ...axis(found.map((each) => ({ ...each, times: at })), config, stacking === "normal"), range: undefined, rangemode: "tozero" }, category = { type: "category", fixedrange: true, automargin: true, gridcolor: GRID };
  plot(body, traces, { [flat ? "xaxis" : "yaxis"]: values, [flat ? "yaxis" : "xaxis"]: category, barmode: stacking === "normal" ? "stack" : "group" });
}
const PANELS = { timeseries, stat, gauge, bargauge, table, logs, heatmap, "state-timeline": stateTimeline, piechart, barchart };
// ---- asking
async function asked(panel, body) {
  const range = panel.timeFrom ? { from: `now-${panel.timeFrom}`, to: "now" } : MODEL.range;
  const queries = panel.targets.filter((each) => !each.hide).map((each) => ({ ...each, datasource: each.datasource || panel.datasource, interval: each.interval || panel.interval, maxDataPoints: panel.maxDataPoints || Math.max(50, Math.round(body.clientWidth / (panel.type === "heatmap" ? 10 : 1))) }));
  const reply = await fetch("/api/ds/query", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...range, queries }) });
  const { results = {}, message } = await reply.json();
  panel.span = (reply.headers.get("X-Board-Range") || "").split(",").map(Number);
  return { frames: Object.values(results).flatMap((each) => each.frames || []).map(decoded), errors: message ? [message] : Object.entries(results).filter(([, each]) => each.error).map(([ref, each]) => `${ref}: ${each.error}`) };
}
async function draw(panel) {
  const section = document.getElementById(`panel-${panel.id}`), body = section.querySelector(".body"), errors = [];
  try {
    const answer = await asked(panel, body), refs = new Set(panel.targets.filter((each) => each.format === "table").map((each) => each.refId));
    errors.push(...answer.errors);
    const kept = (panel.transformations || []).filter((each) => !each.disabled).reduce((made, { id, options }) => (made.length ? TRANSFORMATIONS[id](made, options || {}) : made), refs.size ? asTable(answer.frames, refs) : answer.frames);
    PANELS[panel.type](panel, body, configured(panel, kept));
  } catch (error) { errors.push(String(error)); }
  Object.assign(section.querySelector(".trouble"), { textContent: errors.length ? "!" : "", title: errors.join("\n") });
  section.dataset.state = errors.length ? "error" : body.querySelector(".nodata") ? "empty" : "data";
}
async function drawAll() {
  await Promise.all(MODEL.panels.filter((each) => PANELS[each.type]).map(draw));
  document.body.dataset.drawn = String(Date.now());
}
document.querySelectorAll("form.controls select").forEach((each) => each.addEventListener("change", () => { if (!each.multiple) each.form.requestSubmit(); }));
document.querySelectorAll("button.again").forEach((each) => each.addEventListener("click", drawAll));
drawAll();
if (MODEL.refresh) setInterval(() => { if (!document.hidden) drawAll(); }, Math.max(5000, MODEL.refresh));
