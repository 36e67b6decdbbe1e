// Where the bytes are: a bar for each model by precision, all to one scale, and a treemap of its weights.
#include <algorithm>
#include <array>

#include "html_charts.h"
#include "html_sections.h"
#include "html_table.h"
#include "text_table.h"
#include "vetquant/core/text.h"
#include "vetquant/report/markup.h"

namespace vetquant {
namespace {

constexpr double kAspect = 2;      // of the map; its boxes keep their areas where a narrow screen makes it square
constexpr size_t kMostTiles = 80;  // the rest is one box
constexpr size_t kMostRows = 300;  // of the table

struct Share {
  std::string precision;
  double bytes = 0;
};

const char* style_of(const std::string& precision) {
  if (precision == "fp32" || precision == "fp64") return "p32";
  if (precision == "fp16" || precision == "bf16") return "p16";
  if (precision.starts_with("8 ") || precision.starts_with("float8") || precision.starts_with("fp8")) return "p8";
  if (precision.starts_with("4 ") || precision.starts_with("2 ")) return "p4";
  return "px";
}

double file_bytes(const ModelResult& model) {
  const Metric* size = find_metric(model, "file_bytes");
  double sum = 0;
  for (const StoredWeightBytes& weight : model.weights) sum += static_cast<double>(weight.bytes);
  return size ? std::max(size->value.value, sum) : sum;
}

std::string bytes_text(double bytes) { return human_bytes(static_cast<uint64_t>(std::max(0.0, bytes))); }

std::vector<Share> by_precision(const ModelResult& model) {
  std::vector<Share> shares;
  double rest = file_bytes(model);
  for (const StoredWeightBytes& weight : model.weights) {
    const auto found = std::find_if(shares.begin(), shares.end(),
                                    [&](const Share& share) { return share.precision == weight.precision; });
    if (found == shares.end()) {
      shares.push_back({weight.precision, static_cast<double>(weight.bytes)});
    } else {
      found->bytes += static_cast<double>(weight.bytes);
    }
    rest -= static_cast<double>(weight.bytes);
  }
  std::stable_sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.bytes > b.bytes; });
  if (rest >= 1) shares.push_back({"graph and names", rest});
  return shares;
}

std::string bar_html(const ModelResult& model, double largest) {
  constexpr double kLeastLabel = 8;  // percent of the width that holds a word
  std::string spans, words;
  for (const Share& share : by_precision(model)) {
    const double percent = largest > 0 ? 100 * share.bytes / largest : 0;
    const std::string text = share.precision + " " + bytes_text(share.bytes);
    spans += "<span class=\"" + std::string(style_of(share.precision)) +
             "\" style=\"width:" + attribute_number(percent) + "%\" title=\"" + escaped(text) + "\">" +
             (percent >= kLeastLabel ? "<b>" + escaped(share.precision) + "</b>" : "") + "</span>";
    words += (words.empty() ? "" : ", ") + text;
  }
  return "<div class=\"bar\" aria-hidden=\"true\">" + spans + "</div><small>" + escaped(words) + "</small>\n";
}

std::string tile_html(const Tile& tile, const std::string& precision, const std::string& name, double bytes) {
  constexpr double kLeastWidth = 7, kLeastHeight = 9;  // percent that hold a word
  const std::string size = precision + ", " + bytes_text(bytes);
  const size_t slash = name.find_last_of('/');
  const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  const bool room = tile.width >= kLeastWidth && tile.height >= kLeastHeight;
  return "<div class=\"" + std::string(style_of(precision)) + "\" style=\"left:" + attribute_number(tile.left) +
         "%;top:" + attribute_number(tile.top) + "%;width:" + attribute_number(tile.width) +
         "%;height:" + attribute_number(tile.height) + "%\" title=\"" + escaped(name + ": " + size) + "\">" +
         (room ? name_html(shortened(visible(last), 60)) + "<br>" + escaped(size) : "") + "</div>\n";
}

std::string map_html(const ModelResult& model) {
  std::vector<StoredWeightBytes> tiles;
  StoredWeightBytes rest{"", "other", 0};
  size_t more = 0;
  for (const StoredWeightBytes& weight : model.weights) {
    if (weight.bytes == 0) continue;
    if (tiles.size() < kMostTiles && weight.precision != "other") {
      tiles.push_back(weight);
    } else {
      rest.bytes += weight.bytes;
      ++more;
    }
  }
  if (more > 0) {
    rest.name = std::to_string(more) + " smaller";
    tiles.push_back(rest);
  }
  std::stable_sort(tiles.begin(), tiles.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  std::vector<double> shares;
  for (const StoredWeightBytes& tile : tiles) shares.push_back(static_cast<double>(tile.bytes));
  const std::vector<Tile> places = treemap(shares, kAspect);
  std::string html;
  for (size_t i = 0; i < tiles.size(); ++i)
    html += tile_html(places[i], tiles[i].precision, tiles[i].name, static_cast<double>(tiles[i].bytes));
  return "<div class=\"map\" role=\"img\" aria-label=\"Treemap of the weights' bytes; the table below has the same "
         "figures\">\n" +
         html + "</div>\n";
}

std::string table_html(const ModelResult& model) {
  HtmlTable table("", {{"weight"}, {"precision"}, {"bytes", "n"}});
  size_t shown = 0;
  for (const StoredWeightBytes& weight : model.weights) {
    if (shown++ == kMostRows) break;
    table.row({name_html(weight.name), escaped(weight.precision), bytes_text(static_cast<double>(weight.bytes))});
  }
  const size_t left = model.weights.size() - std::min(model.weights.size(), kMostRows);
  return table.html() + (left > 0 ? "<p class=\"soft\">and " + std::to_string(left) + " smaller</p>\n" : "");
}

}  // namespace

std::string sizes_section(const Judgement& judgement) {
  double largest = 0;
  for (const ModelResult& model : judgement.models) largest = std::max(largest, file_bytes(model));
  std::string bars, maps;
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    if (model.weights.empty()) continue;
    bars += "<h3>" + model_label(judgement, m) + " <small>" + escaped(bytes_text(file_bytes(model))) +
            "</small></h3>\n" + bar_html(model, largest);
    maps += details_html("Weights of " + std::to_string(m + 1) + " " + visible(model.name),
                         map_html(model) + table_html(model));
  }
  return section_html("Where the bytes are", bars + maps);
}

}  // namespace vetquant
