extension WatchPage {
  /// What this page has beside the laboratory's.
  static let style = """
    body{max-width:calc(1180px + 3rem)}h1{font-size:1.75rem}section{margin-top:2rem}[hidden]{display:none!important}
    .spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    #state{margin-top:.4rem;color:var(--soft);font-size:.9375rem}
    #state.live::before,#state.lost::before{content:'';display:inline-block;width:.55em;height:.55em;margin-right:.5em;border-radius:50%;background:var(--yes)}
    #state.lost{color:var(--no)}#state.lost::before{background:none;border:2px solid var(--no)}
    #runs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));align-items:start;gap:1rem}
    .run{padding:.9rem 1.1rem 1rem;border:1px solid var(--rule);border-radius:.6rem}.run:only-child{grid-column:1/-1}
    .run .head,.run .head label{display:flex;align-items:center;gap:.6rem;min-width:0}.run .head{flex-wrap:wrap}.run .head label{flex:1 1 9rem;cursor:pointer}
    .run .head b{min-width:0;font-weight:650}.run label:has(input:not(:checked)) b,.run label:has(input:not(:checked)) .swatch{opacity:.55}
    .running{--tone:var(--with);--wash:var(--raised)}.run .badge{padding-left:.65em}
    progress{appearance:none;display:block;width:100%;height:4px;margin:.75rem 0 .9rem;border:0;border-radius:2px;overflow:hidden;background:var(--grid)}
    progress::-webkit-progress-bar{background:var(--grid)}progress::-webkit-progress-value{background:var(--with)}progress::-moz-progress-bar{background:var(--with)}
    .run dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));gap:.6rem .75rem}
    .run dd b{font-size:1.125rem;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}.run small{display:block;color:var(--soft);font-size:.75rem}
    .run .message{margin-top:.6rem;color:var(--soft);font-size:.875rem}.run:has(.not-supported) .message{color:var(--no)}.run .message:empty{display:none}
    button{padding:.15rem .65rem;border:1px solid var(--rule);border-radius:.4rem;background:none;color:var(--soft);font:inherit;font-size:.8125rem;cursor:pointer}
    button:hover{color:var(--ink);border-color:var(--axis)}input{accent-color:var(--with)}
    button:focus-visible,input:focus-visible,.plot:focus-visible{outline:2px solid var(--link);outline-offset:2px}
    #options{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1.5rem;margin-top:1.75rem;color:var(--soft);font-size:.875rem}
    #options fieldset{display:flex;flex-wrap:wrap;gap:.25rem .9rem;margin:0;padding:0;border:0}#options legend{float:left;margin-right:.9rem}
    #options label{white-space:nowrap;cursor:pointer}#all{display:flex;gap:.5rem}
    .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:2rem 2.5rem;margin-top:1.1rem}
    .charts figure{position:relative;margin:0;min-width:0}.charts h3 small{color:var(--soft);font-weight:400;font-size:.8125rem}
    .legend{display:flex;flex-wrap:wrap;gap:0 1.1rem;min-height:1.6em;color:var(--soft);font-size:.875rem}.legend b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
    .swatch{vertical-align:middle;flex:none}.plot{margin-top:.35rem;min-width:0;border-radius:.2rem}.plot svg{display:block;overflow:visible}
    .charts .plot{touch-action:pan-y}.cursor{stroke:var(--axis);stroke-dasharray:2 2;pointer-events:none}
    .charts .dot{stroke-width:1}.hollow{fill:none;stroke:currentColor;stroke-width:1.4}.charts .line{stroke-width:1.9}.charts .line.thin{stroke-width:1;stroke-opacity:.75}
    .tip{position:absolute;z-index:1;padding:.35rem .6rem;border:1px solid var(--rule);border-radius:.4rem;background:var(--paper);\
    box-shadow:0 2px 10px rgb(0 0 0/.14);font-size:.8125rem;line-height:1.5;pointer-events:none;max-width:100%}
    .tip p:first-child{color:var(--soft)}.tip b{font-variant-numeric:tabular-nums}
    #norms{margin-top:1.25rem}.norm{display:grid;grid-template-columns:7rem repeat(var(--columns),minmax(0,1fr));gap:.5rem 1.5rem;align-items:end;padding:.6rem 0;border-top:1px solid var(--rule)}
    .names{align-items:start;border:0}.names h3{font-size:.9375rem}.names p{margin-top:.25rem;color:var(--soft);font-size:.8125rem;line-height:1.4}
    .layer{align-self:center}.layer small{display:block;color:var(--soft);font-size:.75rem}.mini{min-width:0}.mini p{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .5rem;font-size:.8125rem;overflow-wrap:normal}
    .mini p span:first-child:not(.value){color:var(--soft)}.mini b{margin-left:auto;font-weight:600;font-variant-numeric:tabular-nums;text-align:right}
    .mini .line{stroke-width:1.5}.mini .plot{margin-top:0}.mini svg .tick{font-size:10.5px}
    #settings{margin-top:.75rem}#settings th{white-space:nowrap;color:var(--soft)}#settings .differs th,#settings .differs td{font-weight:600;color:var(--ink)}
    #settings thead th{color:var(--ink);font-weight:600}.option{white-space:nowrap}footer{margin-top:3.5rem}
    @media (min-width:760px){.mini p span:first-child:not(.value){display:none}}
    @media (max-width:759px){.norm{grid-template-columns:repeat(2,minmax(0,1fr))}.layer{grid-column:1/-1}.names>div:first-child{display:none}.names{grid-template-columns:1fr}\
    #settings td{min-width:9rem;overflow-wrap:anywhere}}
    @media print{.plot{break-inside:avoid}#options,button{display:none}}
    \((0..<7).map { ".dash\($0){--dash:\(dashes[$0])}" }.joined())

    """

  /// As in the laboratory's pages, in the order of the styles.
  private static let dashes = ["none", "7 4", "2 3", "10 3 2 3", "4 2", "12 4", "8 3 2 3 2 3"]
}
