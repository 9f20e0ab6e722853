/// Colors, lines and type of the report.
///
/// The sides' colors can be told apart by people who are color-blind (blue and orange first, after Okabe and Ito), and are dark
/// enough on paper and light enough at night to set text in. A side has a dash pattern too, for prints in black.
package enum Stylesheet {
  /// The colors of pages, as variables.
  package static let palette = light(":root") + "@media screen and (prefers-color-scheme:dark){\(dark(":root"))}"

  /// For a page with figures in it.
  package static let page = palette + pageRules + figureRules

  /// For one figure in a file of its own.
  static func standalone(_ colors: Figure.Colors) -> String {
    let palette =
      switch colors {
      case .system: light("svg") + "@media (prefers-color-scheme:dark){\(dark("svg"))}"
      case .light: light("svg")
      case .dark: dark("svg")
      }
    return palette + "svg{font-family:\(sans)}.page{fill:var(--paper)}" + figureRules
  }

  package static let sans = "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Ubuntu,sans-serif"
  package static let mono = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono','DejaVu Sans Mono',monospace"

  private static func light(_ root: String) -> String {
    """
    \(root){--paper:#fff;--raised:#f5f6f7;--ink:#1b1e23;--soft:#5a626d;--rule:#e3e6e9;--grid:#eceef0;--axis:#9aa1aa;\
    --link:#0a5ca8;--with:#0b63b0;--without:#c24e00;--other0:#007a5e;--other1:#9c3d8c;--other2:#7d6400;--other3:#4f5b69;\
    --other4:#b3243f;--yes:#0b6b4f;--yes-wash:#e2f3ec;--no:#a1243a;--no-wash:#fae8ea;--open:#5a626d;--open-wash:#eef0f2}
    """
  }

  private static func dark(_ root: String) -> String {
    """
    \(root){--paper:#14171b;--raised:#1c2026;--ink:#e5e8ec;--soft:#9fa8b3;--rule:#2d333b;--grid:#242930;--axis:#69727d;\
    --link:#79bcf5;--with:#5fb2f2;--without:#f0994f;--other0:#42c9a3;--other1:#dc92cf;--other2:#d6bb4b;--other3:#b3bdc8;\
    --other4:#f2858f;--yes:#63d3ad;--yes-wash:#15322a;--no:#f59aa6;--no-wash:#3a1c22;--open:#aab3be;--open-wash:#272c33}
    """
  }

  private static let figureRules = """
    .with{color:var(--with)}.without{color:var(--without);--dash:7 4}.other0{color:var(--other0);--dash:2 3}\
    .other1{color:var(--other1);--dash:10 3 2 3}.other2{color:var(--other2);--dash:4 2}\
    .other3{color:var(--other3);--dash:12 4}.other4{color:var(--other4);--dash:8 3 2 3 2 3}.dark{color:var(--soft)}
    svg text{font-size:13px;fill:var(--ink);font-variant-numeric:tabular-nums}
    svg .tick,svg .note{font-size:12px;fill:var(--soft)}svg .axis-title{fill:var(--soft)}
    svg .label.with,svg .label.without,svg [class*=' other'].label,svg .panel-title.with,svg .panel-title.without,\
    svg [class*=' other'].panel-title,svg .tick.with,svg .tick.without,svg [class*=' other'].tick{fill:currentColor}
    svg .label[class*=' ']{font-weight:600}svg .panel-title{font-weight:600}svg .small{font-size:12px}
    svg .reference-label,svg .ring-label{font-size:12px;fill:var(--soft)}svg .ring-label{font-size:11px}
    svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
    .grid{stroke:var(--grid)}.axis{stroke:var(--axis)}.separator{stroke:var(--rule)}
    .reference{stroke:var(--soft);stroke-width:1.25;stroke-dasharray:1.5 3.5;stroke-linecap:round}
    .line{fill:none;stroke:currentColor;stroke-width:2.25;stroke-dasharray:var(--dash,none);stroke-linejoin:round}
    .line.thin{stroke-width:1.25}.band{fill:currentColor;fill-opacity:.15}.dot{fill:currentColor;stroke:var(--paper)}.speck{fill:currentColor;fill-opacity:.5}
    .whisker{stroke:currentColor;stroke-width:1.5}.leader{stroke:currentColor;stroke-width:.75;stroke-opacity:.6}
    .cross{fill:none;stroke:currentColor;stroke-width:2}
    .diverged{fill:var(--rule)}.missing{fill:none;stroke:var(--axis);stroke-width:.75;stroke-dasharray:2 2}.cell{shape-rendering:crispEdges}
    .outline{fill:none;stroke:var(--ink);stroke-width:1.75}.outline-halo{fill:none;stroke:var(--paper);stroke-width:4}
    svg .on-light{font-size:11px;fill:#14171b}svg .on-dark{font-size:11px;fill:#fff}
    .area{fill:currentColor;fill-opacity:.075;fill-rule:evenodd}.ring{fill:none;stroke:currentColor;stroke-width:1.1}
    .box{fill:none;stroke:var(--axis)}
    """

  private static let pageRules = """
    *{box-sizing:border-box}
    html{color-scheme:light dark;-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
    body{margin:0 auto;padding:3.5rem 1.5rem 3rem;max-width:calc(720px + 3rem);background:var(--paper);color:var(--ink);\
    font:1rem/1.6 \(sans);overflow-wrap:anywhere}
    h1,h2,h3,p,dl,dd,ul,figure,pre{margin:0}h1,h2,h3{line-height:1.2;text-wrap:balance;font-weight:650}
    h1{font-size:2.25rem;letter-spacing:-.022em}h2{font-size:1.6rem;letter-spacing:-.015em}h3{font-size:1rem}
    a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.18em}
    a:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px}
    .kicker{color:var(--soft);font-size:.8125rem;letter-spacing:.08em;text-transform:uppercase;margin-bottom:.75rem}
    .facts div,.finding p{min-width:0}.facts{display:grid;grid-template-columns:1fr 1fr;gap:.875rem 2rem;margin-top:1.75rem;padding:1.125rem 0;\
    border-block:1px solid var(--rule)}
    dt{color:var(--soft);font-size:.8125rem}dd{font-size:.9375rem;line-height:1.45}
    section{margin-top:3rem}.claim{margin-top:4.5rem;padding-top:2.5rem;border-top:1px solid var(--rule);scroll-margin-top:1rem}
    .tally{display:flex;flex-wrap:wrap;gap:.5rem 1.75rem;list-style:none;padding:0;margin-top:1rem}
    .tally li{display:flex;align-items:center;gap:.45em}.tally .sign{width:1em;height:1em}.tally b{font-size:1.25rem}
    .sign path{fill:none;stroke:currentColor;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
    .supported{--tone:var(--yes);--wash:var(--yes-wash)}.not-supported{--tone:var(--no);--wash:var(--no-wash)}
    .undecided{--tone:var(--open);--wash:var(--open-wash)}.doubtful{--tone:var(--without);--wash:var(--open-wash)}.tally li,.tally .sign{color:var(--tone)}
    .badge{display:inline-flex;align-items:center;gap:.4em;padding:.2em .65em .2em .5em;border-radius:1em;color:var(--tone);\
    background:var(--wash);font-size:.8125rem;font-weight:600;line-height:1.4;white-space:nowrap}
    .badge .sign{width:.85em;height:.85em}
    table{border-collapse:collapse;width:100%;font-size:.9375rem;line-height:1.45}
    th,td{text-align:left;vertical-align:top;padding:.6rem 1rem .6rem 0;border-bottom:1px solid var(--rule);font-weight:400}
    th:last-child,td:last-child{padding-right:0}
    thead th{color:var(--soft);font-size:.8125rem;vertical-align:bottom;border-bottom-color:var(--axis)}
    .claims{margin-top:1.25rem}.claims tbody th{width:38%}.interval,.none{color:var(--soft);font-size:.875rem}
    .claims .interval{display:block}.effect b,.interval,.number{font-variant-numeric:tabular-nums}
    .question{margin-top:.75rem;color:var(--soft);font-size:1.125rem;line-height:1.5;text-wrap:pretty}
    .finding{display:flex;align-items:baseline;gap:.75rem 1rem;margin-top:1.5rem;padding:.9rem 1.1rem;border-radius:.5rem;\
    background:var(--raised);border-left:3px solid var(--tone)}
    .finding .effect b{font-size:1.5rem;font-weight:650;letter-spacing:-.01em}.finding p{line-height:1.4}.finding .interval{display:block}
    .setup{margin-top:2rem}.setup p,.text p{margin-top:.5rem}.text{margin-top:1rem}
    .remarks{list-style:none;margin-top:2rem;padding:0}.remarks li+li{margin-top:1.25rem}.remarks p{margin-top:.35rem}
    .remedy{color:var(--soft)}
    figure{margin-top:2.75rem}figure>svg{display:block;width:100%;height:auto;margin-top:.9rem;overflow:visible;font-family:\(sans)}
    figcaption{margin-top:.6rem;color:var(--soft);font-size:.875rem;line-height:1.5}
    svg.narrow{display:none}
    .absence{margin-top:.9rem;padding:1.5rem;border:1px dashed var(--axis);border-radius:.5rem;color:var(--soft);text-align:center}
    .numbers{margin-top:2.5rem;overflow-x:auto;overflow-wrap:normal}.numbers caption{overflow-wrap:anywhere}.numbers caption{text-align:left;font-weight:650;font-size:1rem;padding-bottom:.4rem}
    .numbers .number{text-align:right;white-space:nowrap}.numbers th,.numbers td{padding-block:.45rem}
    h2+pre{margin-top:1rem}.method{margin-top:2.5rem}.method h3+p,.method pre{margin-top:.5rem}.method h3:not(:first-child){margin-top:1.5rem}
    pre{padding:.8rem 1rem;border-radius:.5rem;background:var(--raised);white-space:pre-wrap;overflow-wrap:anywhere}
    code{font:.875rem/1.55 \(mono)}.counts{margin-top:.6rem;color:var(--soft);font-size:.875rem}
    .notes{margin-top:1.5rem;padding:0 0 0 1.1rem;color:var(--soft);font-size:.9375rem}.notes li+li{margin-top:.35rem}
    footer{margin-top:5rem;padding-top:1.25rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.8125rem}
    @media screen and (max-width:620px){
    body{padding:2rem 1rem}h1{font-size:1.75rem}h2{font-size:1.375rem}.facts{grid-template-columns:1fr}
    .claim{margin-top:3.25rem;padding-top:2rem}.finding{flex-direction:column}
    svg.wide{display:none}svg.narrow{display:block}
    .claims thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
    .claims tbody,.claims tr,.claims th,.claims td{display:block}.claims tbody th{width:auto}
    .claims tr{padding:.9rem 0;border-bottom:1px solid var(--rule)}.claims th,.claims td{border:0;padding:.15rem 0}
    .claims tbody th{font-weight:600}}
    @page{margin:16mm}
    @media print{html{color-scheme:light;font-size:80%}body{padding:0;max-width:none}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    h2,h3,caption,thead{break-after:avoid}figure,.finding,.method,.setup,tr,pre{break-inside:avoid}
    .claim{break-before:page;margin-top:0;padding-top:0;border:0}.numbers{overflow:visible}
    p{orphans:3;widows:3}a{color:inherit;text-decoration:none}figure>svg.wide{width:auto;max-width:100%;max-height:200mm}}
    """
}
