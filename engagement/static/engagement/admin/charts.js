/* Draws every [data-eng-chart] of a page from the JSON beside it. Colours come from the style
   sheet, so that the charts follow the admin's light and dark themes. */
(function () {
  "use strict";

  var ROLES = {
    winner: "--eng-winner", baseline: "--eng-baseline", other: "--eng-other",
    good: "--eng-good", bad: "--eng-bad",
  };
  var SERIES = [1, 2, 3, 4, 5, 6, 7, 8].map(function (n) { return "--eng-series-" + n; });
  var drawn = [];

  function colour(element, name) {
    return getComputedStyle(element).getPropertyValue(name).trim() || "#888";
  }

  function formatter(decimals) {
    var options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    var numbers = new Intl.NumberFormat(document.documentElement.lang || undefined, options);
    return function (value) { return numbers.format(value); };
  }

  /* A whisker at every bar or point whose interval is known. */
  var intervals = {
    id: "engIntervals",
    afterDatasetsDraw: function (chart) {
      var context = chart.ctx;
      var lying = chart.options.indexAxis === "y";
      var scale = lying ? chart.scales.x : chart.scales.y;
      chart.data.datasets.forEach(function (dataset, at) {
        if (!dataset.engLow || !dataset.engLow.length || !chart.isDatasetVisible(at)) { return; }
        chart.getDatasetMeta(at).data.forEach(function (element, i) {
          var low = dataset.engLow[i];
          var high = dataset.engHigh[i];
          if (low == null || high == null) { return; }
          var from = scale.getPixelForValue(low);
          var to = scale.getPixelForValue(high);
          var across = lying ? element.y : element.x;
          context.save();
          context.strokeStyle = dataset.engWhisker;
          context.lineWidth = 1.5;
          context.beginPath();
          [[from, to, 0], [from, from, 5], [to, to, 5]].forEach(function (line) {
            var a = [line[0], across - line[2]];
            var b = [line[1], across + line[2]];
            context.moveTo(lying ? a[0] : a[1], lying ? a[1] : a[0]);
            context.lineTo(lying ? b[0] : b[1], lying ? b[1] : b[0]);
          });
          context.stroke();
          context.restore();
        });
      });
    },
  };

  function dataset(figure, data, series, at) {
    var own = colour(figure, ROLES[series.role] || SERIES[at % SERIES.length]);
    var line = data.kind === "line";
    return {
      label: series.label,
      data: series.values,
      engLow: series.low,
      engHigh: series.high,
      engWhisker: getComputedStyle(figure).color,
      backgroundColor: line ? own : series.roles.map(function (role) {
        return ROLES[role] ? colour(figure, ROLES[role]) : own;
      }),
      borderColor: own,
      borderWidth: line ? 2 : 0,
      /* Of the segments, not of the data set: the legend would draw its box in dashes as well. */
      segment: line && series.role === "baseline" ? { borderDash: function () { return [6, 4]; } } : {},
      pointRadius: line ? 3 : 0,
      pointHoverRadius: 5,
      tension: 0,
      spanGaps: true,
      maxBarThickness: 28,
      categoryPercentage: data.kind === "stacked" ? 0.92 : 0.8,
      barPercentage: data.kind === "stacked" ? 1 : 0.9,
    };
  }

  function configuration(figure, data) {
    var ink = getComputedStyle(figure).color;
    var grid = colour(figure, "--eng-grid");
    var text = formatter(data.decimals);
    var ticks = formatter(Math.min(data.decimals, 2));
    var lying = data.kind === "ranking";
    var stacked = data.kind === "stacked";
    var highest = 0;
    data.series.forEach(function (series) {
      (series.high || []).forEach(function (value) { highest = Math.max(highest, value || 0); });
    });
    var names = {
      stacked: stacked,
      grid: { display: false },
      ticks: { color: ink, autoSkip: !lying, maxRotation: 0, autoSkipPadding: 16 },
      border: { color: grid },
    };
    var values = {
      stacked: stacked,
      beginAtZero: true,
      suggestedMax: highest || undefined,
      grid: { color: grid },
      border: { display: false },
      ticks: { color: ink, maxTicksLimit: 6, precision: data.decimals ? undefined : 0, callback: ticks },
      title: { display: Boolean(data.axis), text: data.axis, color: ink },
    };
    return {
      type: data.kind === "line" ? "line" : "bar",
      data: {
        labels: data.labels,
        datasets: data.series.map(function (series, at) { return dataset(figure, data, series, at); }),
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        indexAxis: lying ? "y" : "x",
        interaction: { mode: "index", axis: lying ? "y" : "x", intersect: false },
        scales: lying ? { x: values, y: names } : { x: names, y: values },
        plugins: {
          legend: {
            display: data.series.length > 1,
            position: "bottom",
            labels: { color: ink, boxWidth: 12, boxHeight: 12 },
          },
          tooltip: {
            callbacks: {
              label: function (item) {
                var low = item.dataset.engLow && item.dataset.engLow[item.dataIndex];
                var high = item.dataset.engHigh && item.dataset.engHigh[item.dataIndex];
                var line = item.dataset.label + ": " + text(item.raw);
                return low == null ? line : line + " (" + text(low) + " – " + text(high) + ")";
              },
            },
          },
        },
      },
      plugins: [intervals],
    };
  }

  function draw() {
    drawn.forEach(function (chart) { chart.destroy(); });
    drawn = [];
    document.querySelectorAll("[data-eng-chart]").forEach(function (figure) {
      var source = document.getElementById(figure.dataset.engChart);
      var canvas = figure.querySelector("canvas");
      if (!source || !canvas || !window.Chart) { return; }
      var data = JSON.parse(source.textContent);
      if (data.kind === "ranking") {
        canvas.parentElement.style.height = 64 + 34 * data.labels.length * data.series.length + "px";
      }
      window.Chart.defaults.font.family = getComputedStyle(figure).fontFamily;
      drawn.push(new window.Chart(canvas, configuration(figure, data)));
    });
  }

  function start() {
    draw();
    new MutationObserver(draw).observe(document.documentElement, {
      attributes: true,
      attributeFilter: ["data-theme", "class"],
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
